import LockstepCluster
import LockstepProtocol
import LockstepSystem
package import LockstepTimeline

/// What the processes of a run are to note about their time.
package struct TimelineOptions: Codable, Hashable, Sendable {
    /// The first step whose spans are kept, and how many steps; 0: only the sums are.
    package var firstStep: UInt64
    package var steps: UInt64

    package init(firstStep: UInt64 = 0, steps: UInt64 = 0) {
        self.firstStep = firstStep
        self.steps = steps
    }

    /// The sums alone.
    package static let sums = TimelineOptions()

    /// A timeline of the calling thread.
    package func makeTimeline() -> Timeline {
        let timeline = Timeline(capacity: steps == 0 ? 0 : TimelineReport.maximumSpans)
        let (end, overflow) = firstStep.addingReportingOverflow(steps)
        timeline.window = firstStep..<(overflow ? .max : end)
        return timeline
    }
}

/// One process's part of a run's time.
package struct ProcessTimeline: Sendable {
    /// What people call it.
    package var name: String
    package var processID: UInt32
    /// Nanoseconds to add to its clock to get the coordinator's.
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
    /// Notes one end of a message about a unit of work.
    ///
    /// - Parameters:
    ///   - kind: Whether it leaves or arrives.
    ///   - member: The worker that it is to or from.
    ///   - unit: A node of a step.
    ///   - isAnswer: Whether it is the worker's.
    func mark(_ kind: Span.Kind, member: UInt32, unit: WorkItem, isAnswer: Bool) {
        let place = UInt64(member & 0xFFFF) << 16 | UInt64(unit.number & 0x7FFF) << 1 | (isAnswer ? 1 : 0)
        mark(kind, step: unit.step, detail: unit.step << 32 | place)
    }
}

extension ProcessTimeline {
    /// What this process's own timeline holds; it starts anew.
    package init(of timeline: Timeline, name: String, processID: UInt32 = UInt32(Host.processID)) {
        self.init(
            name: name, processID: processID, clockOffset: 0, totals: timeline.totals, spans: timeline.spans)
        timeline.reset()
    }
}
