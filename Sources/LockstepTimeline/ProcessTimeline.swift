/// The timeline of one process in a run.
package struct ProcessTimeline: Sendable {
    /// The process's name, for users.
    package var name: String
    package var processID: UInt32
    /// Nanoseconds to add to the process's clock to get the coordinator's.
    package var clockOffset: Int64
    /// Nanoseconds in each phase, by its raw value.
    package var totals: [UInt64]
    package var spans: [Timeline.Span]

    package init(name: String, processID: UInt32, clockOffset: Int64, totals: [UInt64], spans: [Timeline.Span]) {
        self.name = name
        self.processID = processID
        self.clockOffset = clockOffset
        self.totals = totals
        self.spans = spans
    }

    /// Nanoseconds in one phase.
    package subscript(phase: Phase) -> UInt64 {
        let index = Int(phase.rawValue)
        return index < totals.count ? totals[index] : 0
    }
}

extension ProcessTimeline {
    /// Moves the content of this process's own timeline into a new value, and clears the timeline.
    package init(of timeline: Timeline, name: String, processID: UInt32) {
        self.init(
            name: name, processID: processID, clockOffset: 0, totals: timeline.totals, spans: timeline.spans)
        timeline.reset()
    }
}
