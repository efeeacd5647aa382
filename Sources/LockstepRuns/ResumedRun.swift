import LockstepArtifacts
import LockstepRuntime
import LockstepSharding
import LockstepTraining

/// An earlier run that this process continues.
package struct ResumedRun {
    /// Its directory, locked.
    package let open: OpenRunDirectory
    /// The configuration that the run was started with.
    let configuration: RunConfiguration

    private var directory: RunDirectory { open.directory }

    /// Finds and locks a run.
    ///
    /// - Parameters:
    ///   - output: The run directory; nil: the newest run of this name.
    ///   - name: The run's name.
    /// - Throws: ``ResumeError`` if there is no such run; `ArtifactError` while another process works on it.
    package init(output: String?, name: String) throws {
        guard let directory = output.map(RunDirectory.init(existing:)) ?? RunDirectory.newest(named: name) else {
            throw ResumeError(
                .missingRun,
                "there is no run \(RunDirectory.parent)/\(name)-* to resume; name its directory with --output, or omit "
                    + "--resume to start a new run")
        }
        guard directory.hasConfiguration else {
            throw ResumeError(
                .missingRun,
                "\(directory.path) is not a run directory: it has no config.yaml; name one with --output, or omit "
                    + "--resume to start a new run")
        }
        open = try OpenRunDirectory(directory)
        configuration = try ConfigurationFile.load(path: directory.configuration)
    }

    /// Finds and locks a run; nil if there is none yet.
    ///
    /// - Parameters:
    ///   - output: The run directory, which may be absent or empty; nil: the newest run of this name.
    ///   - name: The run's name.
    /// - Throws: What `init(output:name:)` throws.
    package init?(ifPresent output: String?, name: String) throws {
        let found = output.map(RunDirectory.init(existing:)) ?? RunDirectory.newest(named: name)
        guard let found, found.hasConfiguration else { return nil }
        try self.init(output: output, name: name)
    }

    /// The run's configuration, with the keys that may change taken from a new one.
    ///
    /// - Throws: ``ResumeError`` that names every key that has changed and must not.
    func merged(with new: RunConfiguration) throws -> RunConfiguration {
        let changes = ConfigurationFile.changes(from: configuration, to: new)
        guard changes.isEmpty else {
            throw ResumeError(
                .changedConfiguration,
                "the configuration differs from the one in \(directory.path): "
                    + changes.map(\.description).joined(separator: ", ")
                    + "; use \(directory.configuration), or start a new run without --resume")
        }
        var merged = configuration
        merged.data = new.data
        merged.training.epochs = new.training.epochs
        merged.training.earlyStoppingPlateau = new.training.earlyStoppingPlateau
        merged.evaluation = new.evaluation
        merged.checkpoint = new.checkpoint
        merged.timeouts = new.timeouts
        return merged
    }

    /// Loads the newest checkpoint that can be read into `run`.
    ///
    /// - Parameters:
    ///   - run: This run, with the merged configuration.
    ///   - identity: What this process would write into a checkpoint of its own.
    ///   - allowsMixedKernels: Whether a checkpoint of another kernel is accepted.
    ///   - notify: Told which checkpoints are damaged, and where the run continues.
    /// - Throws: ``ResumeError`` if no checkpoint can be used.
    func load(
        into run: inout TrainingRun, identity: RunIdentity, allowsMixedKernels: Bool, notify: (RunNotice) -> Void
    ) throws {
        let found = try directory.checkpoints.newest(layout: run.layout)
        for error in found.damaged { notify(.damagedCheckpoint("\(error)")) }
        run.isResumed = true
        guard var checkpoint = found.checkpoint else {
            guard found.damaged.isEmpty else {
                throw ResumeError(
                    .unusableCheckpoint,
                    "no checkpoint in \(directory.checkpoints.path) is intact; start a new run without --resume")
            }
            notify(.resuming(directory: directory.path, step: nil))
            return
        }
        let step = checkpoint.state.progress.step
        try check(checkpoint, fits: run, identity, allowsMixedKernels: allowsMixedKernels)
        if checkpoint.identity.fingerprint != identity.fingerprint {
            checkpoint.state.progress.membership.isBitwiseReproducible = false
        }
        run.resumed = checkpoint.state
        notify(.resuming(directory: directory.path, step: step))
        let epochs = run.configuration.training.epochs
        if step >= UInt64(epochs * run.schedule.stepsPerEpoch) { notify(.allEpochsTrained(epochs)) }
    }

    /// Whether a checkpoint was written under the run's configuration, wherever its data lay.
    private func hasConfiguration(of run: TrainingRun, _ theirs: RunIdentity, _ identity: RunIdentity) -> Bool {
        if let digest = theirs.configurationWithoutPaths { return digest == identity.configurationWithoutPaths }
        var earlier = run.configuration
        earlier.data = configuration.data
        return theirs.configuration == ConfigurationFile.digest(of: earlier)
    }

    private func check(
        _ checkpoint: Checkpoint, fits run: TrainingRun, _ identity: RunIdentity, allowsMixedKernels: Bool
    ) throws {
        let (theirs, progress) = (checkpoint.identity, checkpoint.state.progress)
        func error(_ kind: ResumeError.Kind, _ reason: String) -> ResumeError {
            ResumeError(kind, "the checkpoint of step \(progress.step) \(reason)")
        }
        guard theirs.programVersion == identity.programVersion else {
            throw error(
                .unusableCheckpoint,
                "was written by lockstep \(theirs.programVersion), this is \(identity.programVersion), and the weights "
                    + "depend on the version; continue with that version")
        }
        guard hasConfiguration(of: run, theirs, identity) else {
            throw error(
                .unusableCheckpoint,
                "belongs to another configuration than \(directory.configuration); undo the changes to that file")
        }
        guard theirs.data == identity.data else {
            throw error(
                .unusableCheckpoint,
                "was trained on a data set with the SHA-256 \(theirs.data), here it is \(identity.data); restore that "
                    + "data set")
        }
        guard theirs.fingerprint == identity.fingerprint || allowsMixedKernels else {
            throw error(
                .differentBits,
                "was computed with kernel \(theirs.kernel), whose bits kernel \(identity.kernel) does not reproduce "
                    + "here; continue where the run was started, or accept the difference with --allow-mixed-kernels")
        }
        guard progress.isConsistent(stepsPerEpoch: run.schedule.stepsPerEpoch) else {
            throw error(.unusableCheckpoint, "contradicts itself about the progress of the run")
        }
        let (begun, epochs) = (run.schedule.epochs(begunBy: progress.step), run.configuration.training.epochs)
        guard begun <= epochs else {
            throw error(
                .tooFewEpochs,
                "is in epoch \(begun - 1), but the run is to have \(epochs) epochs; ask for more with --epochs")
        }
    }
}
