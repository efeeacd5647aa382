/// What the processes of a run record in their timelines.
package struct TimelineOptions: Codable, Hashable, Sendable {
    /// The first step whose spans are recorded.
    package var firstStep: UInt64
    /// The number of steps whose spans are recorded; 0: only the sums are recorded.
    package var steps: UInt64

    package init(firstStep: UInt64 = 0, steps: UInt64 = 0) {
        self.firstStep = firstStep
        self.steps = steps
    }

    /// Options to record only the sums.
    package static let sums = TimelineOptions()

    /// Makes a timeline for the calling thread.
    package func makeTimeline() -> Timeline {
        let timeline = Timeline(capacity: steps == 0 ? 0 : Timeline.maximumSpans)
        let (end, overflow) = firstStep.addingReportingOverflow(steps)
        timeline.window = firstStep..<(overflow ? .max : end)
        return timeline
    }
}
