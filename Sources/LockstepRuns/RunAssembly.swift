import Glibc
import LockstepArtifacts
import LockstepCompute
package import LockstepData
package import LockstepNumerics
import LockstepRuntime
import LockstepSystem
package import LockstepTraining

/// Turns a configuration, as a face has read it, into a run that is ready for its first step.
package struct RunAssembly {
    /// The configuration with shards and kernel resolved, merged with the configuration of a resumed run.
    package let configuration: RunConfiguration
    private let resumed: ResumedRun?
    private let workers: Int

    /// Resolves a configuration.
    ///
    /// - Parameters:
    ///   - configuration: As it was read.
    ///   - workers: Workers that the run starts with; the shards follow from it where the configuration has none.
    ///   - resumed: The run to continue; nil: a new run.
    /// - Throws: ``ResumeError`` if the run to continue has another configuration; `ComputeError` if this
    ///   processor lacks the kernel.
    package init(_ configuration: RunConfiguration, workers: Int, resuming resumed: ResumedRun? = nil) throws {
        var configuration = try resumed?.merged(with: configuration) ?? configuration
        configuration.shards = configuration.shards ?? workers
        configuration.kernel = try configuration.kernel?.checked() ?? NumericKernel.resolve("auto")
        self.configuration = configuration
        self.resumed = resumed
        self.workers = workers
    }

    /// Loads the data set that the configuration names.
    package func loadDataset() throws -> Dataset {
        try configuration.data.load(cache: DataCache())
    }

    /// Checks that everything fits together, opens the compute library and loads the checkpoint to continue from.
    ///
    /// - Parameters:
    ///   - dataset: The data set of the configuration.
    ///   - startingWeights: The initial weights of a new run; nil: random ones from the seed.
    ///   - allowsMixedKernels: Whether a checkpoint of another kernel is accepted.
    ///   - notify: Told where the run continues, and which checkpoints are damaged.
    /// - Returns: The run, ready for its first step.
    /// - Throws: What does not fit together, or why the run cannot be resumed.
    package func prepare(
        _ dataset: Dataset, startingWeights: FloatBuffer? = nil, allowsMixedKernels: Bool = false,
        notify: (RunNotice) -> Void
    ) throws -> TrainingRun {
        var run = try TrainingRun(
            configuration: configuration, dataset: dataset, workers: workers,
            kernel: try configuration.kernel ?? NumericKernel.resolve("auto"), startingWeights: startingWeights)
        run.fingerprint = try run.makeShardComputer().provedFingerprint()
        run.reloadDataset = loadDataset
        try resumed?.load(
            into: &run, identity: try run.identity(), allowsMixedKernels: allowsMixedKernels, notify: notify)
        return run
    }

    /// Makes and locks the run directory; a resumed run has its directory, locked, already.
    ///
    /// - Parameter output: The directory to make; nil: one below `runs`, named after the run and the time.
    /// - Returns: The directory, locked.
    /// - Throws: `ArtifactError` if it cannot be made, is not empty, or belongs to another process.
    package func openDirectory(output: String?) throws -> OpenRunDirectory {
        if let resumed { return resumed.open }
        let isNew = output.map { access($0, F_OK) != 0 } ?? true
        return try OpenRunDirectory(try RunDirectory.create(output: output, name: configuration.name), isNew: isNew)
    }
}

extension TrainingRun {
    /// What the weights of this run depend on.
    func identity() throws -> RunIdentity {
        RunIdentity(
            configuration: ConfigurationFile.digest(of: configuration),
            configurationWithoutPaths: ConfigurationFile.digestWithoutPaths(of: configuration),
            data: dataset.description.sha256, programVersion: programVersion, kernel: library.kernel.rawValue,
            fingerprint: try fingerprint ?? makeShardComputer().provedFingerprint())
    }
}
