import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("The tuner of the number of workers")
struct WorkerCountTunerTests {
    @Test("Without --workers auto, and before the predictions, all workers compute")
    func all() {
        var disabled = WorkerCountTuner(isEnabled: false)
        disabled.begin(predictions: [1e-6, 1])
        #expect(disabled.processes == nil && !disabled.coordinatorComputesAlone)
        #expect(!disabled.coordinatorComputesAlone(isAudited: false, active: 0))
        var tuner = WorkerCountTuner(isEnabled: true)
        #expect(tuner.processes == nil && tuner.beginStep(0, isAudited: false, active: 2, now: .zero) == nil)
        #expect(tuner.coordinatorComputesAlone(isAudited: false, active: 0), "no worker is there")
        tuner.begin(predictions: [])
        #expect(tuner.processes == nil)
    }

    @Test("Where one process is fastest, the coordinator computes 2 ms of unaudited steps without the machine")
    func alone() {
        var tuner = WorkerCountTuner(isEnabled: true)
        tuner.begin(predictions: [20e-6, 130e-6, 110e-6])
        #expect(tuner.processes == .coordinator && tuner.coordinatorComputesAlone)
        #expect(tuner.coordinatorComputesAlone(isAudited: false, active: 2))
        #expect(!tuner.coordinatorComputesAlone(isAudited: true, active: 2), "all workers compute an audited step")
        #expect(tuner.beginStep(0, isAudited: false, active: 2, now: .milliseconds(10)) == nil)
        #expect(tuner.computesAloneUntil == .milliseconds(12))
        _ = tuner.beginStep(1, isAudited: true, active: 2, now: .milliseconds(11))
        #expect(tuner.computesAloneUntil == nil)
        _ = tuner.beginStep(2, isAudited: false, active: 2, now: .milliseconds(12))
        tuner.beginEvaluation()
        #expect(tuner.computesAloneUntil == nil)
    }

    @Test("It reports its choice once the steps' time is known, and neither audits nor evaluations count")
    func choice() {
        var tuner = WorkerCountTuner(isEnabled: true)
        tuner.begin(predictions: [20e-3, 10e-3])
        var (now, choices) = (0.0, [WorkerCountChoice]())
        for step in UInt64(0)..<40 {
            if step % 8 == 5 {
                // An evaluation of ten minutes.
                tuner.beginEvaluation()
                now += 600_000
            }
            let isAudited = step % 8 == 3
            if let choice = tuner.beginStep(step, isAudited: isAudited, active: 1, now: .milliseconds(now)) {
                choices.append(choice)
            }
            now += isAudited ? 700_000 : 9
        }
        #expect(choices.count == 1 && choices.first?.processes.workers == 1)
        #expect(abs((choices.first?.seconds ?? 0) - 9e-3) < 1e-6)
    }
}
