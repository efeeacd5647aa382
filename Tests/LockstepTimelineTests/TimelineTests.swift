import LockstepTimeline
import Testing

@Suite struct TimelineTests {
    @Test("the phases' totals add up to the time between two clock readings")
    func sums() {
        let before = Instant.now.nanoseconds
        let timeline = Timeline()
        let started = Instant.now.nanoseconds
        for round in 0..<1_000 {
            timeline.enter(Phase.allCases[round % Phase.allCases.count])
        }
        let ended = Instant.now.nanoseconds
        let total = timeline.totals.reduce(0, +)
        #expect(total >= ended - started && total <= Instant.now.nanoseconds - before)
    }

    @Test("entering a phase returns the phase that it ends")
    func nesting() {
        let timeline = Timeline()
        #expect(timeline.enter(.backward, layer: 3) == .other)
        let outer = timeline.enter(.reduce)
        #expect(outer == .backward)
        #expect(timeline.enter(outer) == .reduce)
    }

    @Test("spans are recorded within the window only, and touch each other")
    func window() {
        let timeline = Timeline(capacity: 100)
        timeline.window = 5..<7
        for step in UInt64(0)..<10 {
            timeline.step = step
            timeline.enter(.gather)
            spin()
            timeline.enter(.forward, layer: 1)
            spin()
            timeline.mark(.departure, step: step, detail: step)
            timeline.enter(.other)
        }
        let phases = timeline.spans.filter { $0.kind == .phase && $0.phase != .other }
        #expect(phases.map(\.step) == [5, 5, 6, 6])
        #expect(phases.map(\.phase) == [.gather, .forward, .gather, .forward])
        #expect(phases.map(\.layer) == [0, 1, 0, 1])
        #expect(phases[0].end == phases[1].start && phases[0].start < phases[0].end)
        let marks = timeline.spans.filter { $0.kind == .departure }
        #expect(marks.map(\.detail) == [5, 6] && marks.allSatisfy { $0.start == $0.end })
    }

    @Test("spans beyond the capacity are dropped, but their time counts")
    func capacity() {
        let timeline = Timeline(capacity: 3)
        timeline.window = 0..<1
        for _ in 0..<10 {
            timeline.enter(.wait)
            spin()
            timeline.enter(.other)
            spin()
        }
        #expect(timeline.spans.count == 3)
        #expect(timeline.totals[Int(Phase.wait.rawValue)] > timeline.spans.reduce(0) { $0 + ($1.end - $1.start) } / 2)
    }

    @Test("a reset clears totals and spans")
    func reset() {
        let timeline = Timeline(capacity: 3)
        timeline.window = 0..<1
        timeline.enter(.update)
        spin()
        timeline.enter(.other)
        timeline.reset()
        #expect(timeline.spans.isEmpty && timeline.totals[Int(Phase.update.rawValue)] == 0)
    }

    /// Waits until the clock advances.
    private func spin() {
        let start = Instant.now.nanoseconds
        while Instant.now.nanoseconds < start + 1_000 {}
    }
}
