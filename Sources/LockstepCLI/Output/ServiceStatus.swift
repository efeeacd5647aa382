import LockstepNumerics
import LockstepSystem
import LockstepText
import LockstepTimeline
import LockstepTraining

/// Reports a run's progress to the service manager that started this process, if there is one: `systemctl status` shows it.
final class ServiceStatus: RunObserver {
    private let manager: ServiceManager?
    /// The test result of the last epoch.
    private var lastResult = ""
    /// When the next progress is reported.
    private var nextReport = Instant(nanoseconds: 0)

    private static let period = Duration.seconds(1)

    init(_ manager: ServiceManager?) {
        self.manager = manager
    }

    func runWillStart(_ run: RunDescription) {
        let done = run.resumed.map { ", resumed after \(counted(Int(clamping: $0.step), "step"))" } ?? ""
        manager?.ready(status: "Training \(run.configuration.name)\(done)")
    }

    func runDidProgress(_ progress: StepProgress) {
        report { Self.text(progress) + lastResult }
    }

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        if let test = epoch.test, let correct = test.correct {
            lastResult = "; epoch \(epoch.epoch): \(correct) / \(test.total)"
        }
        report { "Epoch \(epoch.epoch), all steps\(lastResult)" }
    }

    /// Reports what happens, at most once a second.
    private func report(_ text: () -> String) {
        let now = Instant.now
        guard let manager, nextReport <= now else { return }
        nextReport = now.advanced(by: Self.period)
        manager.report(status: text())
    }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        let weights = outcome.weightsSHA256.prefix(8)
        let steps = counted(outcome.steps, "step")
        manager?.stopping(
            status: outcome.interrupted ? "Told to stop after \(steps), \(weights)" : "Done after \(steps), \(weights)")
    }

    static func text(_ progress: StepProgress) -> String {
        "Epoch \(progress.epoch), step \(grouped(progress.step)) of \(grouped(progress.stepsPerEpoch)), "
            + (progress.workers == 0 ? "" : "\(counted(progress.workers, "worker")), ")
            + "\(grouped(Int(progress.samplesPerSecond))) samples/s"
    }
}
