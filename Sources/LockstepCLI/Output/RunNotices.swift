import LockstepArtifacts
import LockstepCostModel
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepText

extension RunNotice {
    /// The notice as lines for people.
    ///
    /// - Parameter configuration: The path of the configuration, for commands that the text recommends.
    /// - Returns: The lines, each with where it goes.
    func lines(configuration: String) -> [Console.Line] {
        switch self {
        case .warning(let text), .damagedCheckpoint(let text):
            return [.warning(text)]
        case .resuming(let directory, let step?):
            return [.info("Resuming \(directory) after step \(grouped(Int(clamping: step)))")]
        case .resuming(let directory, nil):
            return [.info("Resuming \(directory), which has no checkpoint yet, from its first step")]
        case .allEpochsTrained(let epochs):
            return [
                .info(
                    "The run has trained \(counted(epochs, "epoch")), all that it is asked for; to train on, give more with "
                        + "--epochs")
            ]
        case .checkpoint(let notice):
            return [notice.line]
        case .cluster(let notice, let ending):
            let text = notice.text(ending: ending)
            return [notice.isWarning ? .warning(text) : .info(text)]
        case .traced(let path):
            return [.result("Trace: \(path) (opens in https://ui.perfetto.dev)")]
        case .outcome(let outcome):
            return [.result(outcome.text(configuration: configuration))]
        case .failed(let log):
            return FailureText(events: log.events, omitted: log.omitted).lines.map { .warning($0) }
        case .savedEvents(let count, let path):
            return [.warning("the last \(counted(count, "protocol event")) are in \(path)")]
        case .newestCheckpoint(let step, let directory, let canContinue):
            let place = "the newest checkpoint is the one after step \(grouped(Int(clamping: step)))"
            return [
                .warning(
                    canContinue
                        ? "\(place); to continue, repeat the command with --resume --output \(directory.path)"
                        : "\(place), in \(directory.checkpoints.path)")
            ]
        case .finished(let directory):
            return [.result("Run: \(directory.path)")]
        case .interrupted(let signal, let steps, let directory):
            return [
                .warning(
                    "stopped by \(signalName(signal)) after \(counted(steps, "step")); to continue, "
                        + "repeat the command with --resume --output \(directory.path)")
            ]
        }
    }
}

extension CheckpointWriter.Notice {
    /// The notice in a sentence.
    var text: String {
        switch self {
        case .damaged(let error):
            "\(error)"
        case .saved(let step, _):
            "Checkpoint after step \(grouped(Int(clamping: step)))"
        case .failed(let step, let previous, let error):
            "no checkpoint after step \(grouped(Int(clamping: step))): \(error); "
                + (previous.map { "the one after step \(grouped(Int(clamping: $0))) remains" } ?? "there is none yet")
        }
    }

    /// The news as a line: what was asked for is said without `--verbose` too.
    fileprivate var line: Console.Line {
        switch self {
        case .saved(_, isRequested: true): .info(text)
        case .saved(_, isRequested: false): .detail(text)
        case .failed, .damaged: .warning(text)
        }
    }
}
