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

/// A point in time of whoever drives a state machine: the kernel's monotonic clock, or a test's.
package struct Moment: Comparable, Hashable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    package static func < (left: Moment, right: Moment) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The moment `seconds` later; never earlier, however large or wrong the number.
    package func advanced(bySeconds seconds: Double) -> Moment {
        let limited = min(max(0, seconds), 1e9)
        return Moment(nanoseconds: nanoseconds &+ UInt64(limited * 1e9))
    }
}
