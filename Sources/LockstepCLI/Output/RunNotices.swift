import Glibc
import LockstepArtifacts
import LockstepRuns

extension Console {
    /// Prints what is news of a run.
    ///
    /// - Parameters:
    ///   - notice: The news.
    ///   - configuration: The path of the configuration, for commands that the text recommends.
    func show(_ notice: RunNotice, configuration: String) {
        switch notice {
        case .warning(let text), .damagedCheckpoint(let text):
            warning(text)
        case .resuming(let directory, let step?):
            note("Resuming \(directory) after step \(grouped(Int(clamping: step)))")
        case .resuming(let directory, nil):
            note("Resuming \(directory), which has no checkpoint yet, from its first step")
        case .checkpoint(let notice):
            if notice.isWarning { warning(notice.text) } else { detail(notice.text) }
        case .cluster(let notice, let ending):
            let text = notice.text(ending: ending)
            if notice.isWarning { warning(text) } else { note(text) }
        case .traced(let path):
            result("Trace: \(path) (opens in https://ui.perfetto.dev)")
        case .slowerThanOneProcess(let step, let alone, let workers):
            result(
                "A step took \(milliseconds(step)); one process would take about \(milliseconds(alone)). To see where "
                    + "workers are faster: lockstep bench \(configuration) --workers \(workers)")
        case .failed(let log):
            for line in FailureReport(log).lines { warning(line) }
        case .savedEvents(let count, let path):
            warning("the last \(count) protocol events are in \(path)")
        case .newestCheckpoint(let step, let directory, let canContinue):
            let place = "the newest checkpoint is that after step \(grouped(Int(clamping: step)))"
            warning(
                canContinue
                    ? "\(place); to continue, repeat the command with --resume --output \(directory.path)"
                    : "\(place), in \(directory.checkpoints.path)")
        case .finished(let directory):
            result("Run: \(directory.path)")
        case .interrupted(let signal, let steps, let directory):
            warning(
                "stopped by \(signal == SIGINT ? "SIGINT" : "SIGTERM") after \(counted(steps, "step")); to continue, "
                    + "repeat the command with --resume --output \(directory.path)")
        }
    }
}

extension CheckpointWriter.Notice {
    /// The news in a sentence.
    var text: String {
        switch self {
        case .saved(let step):
            "Checkpoint after step \(grouped(Int(clamping: step)))"
        case .failed(let step, let previous, let error):
            "no checkpoint after step \(grouped(Int(clamping: step))): \(error); "
                + (previous.map { "the one after step \(grouped(Int(clamping: $0))) remains" } ?? "there is none yet")
        }
    }

    /// Whether it needs attention.
    var isWarning: Bool {
        if case .failed = self { return true }
        return false
    }
}
