import Glibc
import LockstepArtifacts
import LockstepBLAS
import LockstepCluster
import LockstepData
import LockstepRuntime
import LockstepSystem
import LockstepTraining

extension RunOptions {
    /// Resolves the configuration and loads what it names.
    ///
    /// - Parameter workers: Workers that the run starts with.
    /// - Returns: nil if all that was asked for has been printed.
    /// - Throws: What is wrong with the configuration, the data set or the kernel.
    func prepare(workers: Int) throws -> PreparedRun? {
        var configuration = try configuration()
        configuration.shards = configuration.shards ?? workers
        let kernel = try configuration.kernel?.checked() ?? MatrixKernel.resolve("auto")
        configuration.kernel = kernel
        if printConfig {
            console.result(ConfigurationFile.yaml(of: configuration).trimmingSuffix("\n"))
            return nil
        }
        let dataset = try Dataset.load(configuration.data, cache: try DataCache())
        if dryRun {
            try configuration.network.check(against: dataset.description)
            let plan = DryRun(configuration: configuration, workers: workers)
            for line in try plan.lines(trainingSamples: dataset.samples(of: .training).count) { console.result(line) }
            return nil
        }
        return try PreparedRun(configuration: configuration, dataset: dataset, workers: workers, kernel: kernel)
    }

    func makeRunDirectory(for run: PreparedRun) throws -> RunDirectory {
        try RunDirectory.create(output: output, name: run.configuration.name)
    }

    /// Trains in this process alone.
    func train(_ run: PreparedRun, stop: StopSignals, in directory: RunDirectory) throws {
        let outcome = try run.train(observers: observers(directory)) { stop.requested != nil }
        try conclude(outcome, directory, signal: stop.requested)
    }

    /// Trains on workers.
    func train(_ run: PreparedRun, on cluster: Cluster, in directory: RunDirectory) throws {
        let console = console
        let outcome = try cluster.train(observers: observers(directory)) { notice, ending in
            let text = notice.text(ending: ending)
            if notice.isWarning { console.warning(text) } else { console.note(text) }
        }
        try conclude(outcome, directory, signal: cluster.stopSignal)
    }

    private func observers(_ directory: RunDirectory) -> [any RunObserver] {
        let recorder = RunRecorder(directory: directory, programVersion: programVersion) {
            UInt64(Host.peakResidentBytes)
        }
        return [recorder, EpochPrinter(console)]
    }

    private func conclude(_ outcome: RunOutcome, _ directory: RunDirectory, signal: Int32?) throws {
        console.result("Run: \(directory.path)")
        if outcome.interrupted {
            console.warning("stopped by a signal after \(grouped(outcome.steps)) steps")
            throw RunError.interrupted(signal: signal ?? SIGTERM)
        }
    }
}

extension String {
    func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
