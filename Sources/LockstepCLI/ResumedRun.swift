import LockstepArtifacts
import LockstepNetwork
import LockstepRuntime
import LockstepSharding
import LockstepTraining

/// The run directory that a process works in, locked against others until this object goes.
final class OpenRunDirectory {
    let directory: RunDirectory
    private let lock: RunLock

    /// - Throws: `ArtifactError` while another process has it.
    init(_ directory: RunDirectory) throws(ArtifactError) {
        self.directory = directory
        self.lock = try RunLock(directory)
    }
}

/// An earlier run that this process is to go on with.
struct ResumedRun {
    let open: OpenRunDirectory
    /// The run's own configuration.
    let configuration: RunConfiguration

    var directory: RunDirectory { open.directory }

    /// Finds and locks a run.
    ///
    /// - Parameters:
    ///   - output: The run directory; nil: the newest of this name.
    ///   - name: The run's name.
    /// - Throws: What is missing there, or that another process works on it.
    init(output: String?, name: String) throws {
        guard let directory = output.map(RunDirectory.init(existing:)) ?? RunDirectory.newest(named: name) else {
            throw UsageError(
                "--resume: there is no run \(RunDirectory.parent)/\(name)-* to go on with; name its directory with "
                    + "--output, or leave --resume out to start one", status: .noInput)
        }
        guard directory.hasConfiguration else {
            throw UsageError(
                "--resume: \(directory.path) is no run directory, it has no config.yaml; name one with --output, or "
                    + "leave --resume out to start a run", status: .noInput)
        }
        open = try OpenRunDirectory(directory)
        configuration = try ConfigurationFile.load(path: directory.configuration)
    }

    /// The run's configuration with what may change taken from a new one.
    ///
    /// - Throws: `UsageError` that names every key that may not have changed.
    func merged(with new: RunConfiguration) throws -> RunConfiguration {
        let changes = ConfigurationFile.changes(from: configuration, to: new)
        guard changes.isEmpty else {
            throw UsageError(
                "--resume: the configuration is not that of \(directory.path): "
                    + changes.map(\.description).joined(separator: ", ")
                    + "; go on with \(directory.configuration), or start a new run without --resume",
                status: .configuration)
        }
        var merged = configuration
        merged.training.epochs = new.training.epochs
        merged.evaluation = new.evaluation
        merged.checkpoint = new.checkpoint
        merged.timeouts = new.timeouts
        return merged
    }

    /// Loads the newest state that is whole into `run`.
    ///
    /// - Parameters:
    ///   - run: This run, with the merged configuration.
    ///   - identity: What this process would write into a checkpoint of its own.
    ///   - allowsMixedKernels: Whether a state of another kernel is accepted.
    ///   - console: Told what is damaged, and where the run goes on.
    /// - Throws: Why none of the states will do.
    func load(
        into run: inout PreparedRun, identity: RunIdentity, allowsMixedKernels: Bool, console: Console
    ) throws {
        let finding = try directory.checkpoints.newest(layout: run.layout)
        for error in finding.damaged { console.warning("\(error)") }
        run.isResumed = true
        guard var checkpoint = finding.checkpoint else {
            guard finding.damaged.isEmpty else {
                throw UsageError(
                    "--resume: no checkpoint in \(directory.checkpoints.path) is whole; start a new run without "
                        + "--resume", status: .dataError)
            }
            console.note("Resuming \(directory.path), which has no checkpoint yet, from its first step")
            return
        }
        let step = checkpoint.state.progress.step
        try check(checkpoint, fits: run, identity, allowsMixedKernels: allowsMixedKernels)
        if checkpoint.identity.fingerprint != identity.fingerprint {
            checkpoint.state.progress.membership.isBitwiseReproducible = false
        }
        run.resumed = checkpoint.state
        console.note("Resuming \(directory.path) after step \(grouped(Int(step)))")
    }

    private func check(
        _ checkpoint: Checkpoint, fits run: PreparedRun, _ identity: RunIdentity, allowsMixedKernels: Bool
    ) throws {
        let (theirs, progress) = (checkpoint.identity, checkpoint.state.progress)
        func refuse(_ reason: String, _ status: ExitStatus) -> UsageError {
            UsageError("--resume: the checkpoint of step \(progress.step) \(reason)", status: status)
        }
        guard theirs.programVersion == identity.programVersion else {
            throw refuse(
                "was written by lockstep \(theirs.programVersion), this is \(identity.programVersion), and a run's "
                    + "weights depend on it; go on with that version", .dataError)
        }
        guard theirs.configuration == identity.configuration else {
            throw refuse(
                "belongs to another configuration than \(directory.configuration); undo its changes", .dataError)
        }
        guard theirs.data == identity.data else {
            throw refuse(
                "was trained on a data set with the SHA-256 \(theirs.data), here it is \(identity.data); restore it",
                .dataError)
        }
        guard theirs.fingerprint == identity.fingerprint || allowsMixedKernels else {
            throw refuse(
                "was computed with kernel \(theirs.kernel) and other bits than kernel \(identity.kernel) gives here; go "
                    + "on where it was started, or accept it with --allow-mixed-kernels", .unavailable)
        }
        guard progress.isConsistent(stepsPerEpoch: run.schedule.stepsPerEpoch) else {
            throw refuse("does not say how far the run has come", .dataError)
        }
        let (begun, epochs) = (run.schedule.epochs(begunBy: progress.step), run.configuration.training.epochs)
        guard begun <= epochs else {
            throw refuse(
                "is in epoch \(begun - 1), and the run should have \(epochs) epochs; give more --epochs", .usage)
        }
    }
}
