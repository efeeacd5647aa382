/// The number that a loop gives a connection.
package struct PeerID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "peer \(rawValue)" }
}

/// The number of one registration of a worker process. A number is used once in a run, so an answer of an earlier
/// membership never counts for the present one.
package struct MemberID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "worker \(rawValue)" }
}
