import LockstepCluster
import LockstepProtocol
import LockstepSystem
package import LockstepTimeline

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
        let timeline = Timeline(capacity: steps == 0 ? 0 : TimelineReport.maximumSpans)
        let (end, overflow) = firstStep.addingReportingOverflow(steps)
        timeline.window = firstStep..<(overflow ? .max : end)
        return timeline
    }
}

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

    /// Nanoseconds in one phase.
    package subscript(phase: Phase) -> UInt64 {
        let index = Int(phase.rawValue)
        return index < totals.count ? totals[index] : 0
    }
}

extension Timeline {
    /// Records that a message about a work item is sent or has arrived.
    ///
    /// - Parameters:
    ///   - kind: Departure or arrival.
    ///   - member: The worker that receives or sends the message.
    ///   - item: A step and one of its nodes.
    ///   - isAnswer: Whether the worker sends the message.
    func mark(_ kind: Span.Kind, member: UInt32, item: WorkItem, isAnswer: Bool) {
        let place = UInt64(member & 0xFFFF) << 16 | UInt64(item.number & 0x7FFF) << 1 | (isAnswer ? 1 : 0)
        mark(kind, step: item.step, detail: item.step << 32 | place)
    }
}

extension ProcessTimeline {
    /// Moves the content of this process's own timeline into a new value, and clears the timeline.
    package init(of timeline: Timeline, name: String, processID: UInt32 = UInt32(Host.processID)) {
        self.init(
            name: name, processID: processID, clockOffset: 0, totals: timeline.totals, spans: timeline.spans)
        timeline.reset()
    }
}
