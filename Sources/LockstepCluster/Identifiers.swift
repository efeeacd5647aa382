/// A connection, as the loop around a state machine numbers them.
package struct PeerID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "peer \(rawValue)" }
}

/// A worker's membership of a run; never given twice in a run, so an answer can be told from one of an earlier life.
package struct MemberID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package var description: String { "worker \(rawValue)" }
}
