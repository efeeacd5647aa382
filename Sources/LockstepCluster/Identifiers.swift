/// A connection, numbered by the loop around a state machine.
package struct PeerID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "peer \(rawValue)" }
}

/// One registration of a worker process. A number is given once in a run, so an answer is never taken for one of an earlier
/// membership.
package struct MemberID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "worker \(rawValue)" }
}
