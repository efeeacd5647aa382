import LockstepBLAS
package import LockstepNumerics
package import LockstepTraining

/// Writes a run directory while the run goes on.
///
/// Every error is an ``ArtifactError`` that names the file. One of a progress line, which cannot be thrown at once, is
/// thrown at the end of the epoch.
package final class RunRecorder: RunObserver {
    package let directory: RunDirectory
    private let programVersion: String
    private let peakMemoryBytes: () -> UInt64?
    private var run: RunDescription?
    private var metrics: MetricsLog?
    private var pendingFailure: ArtifactError?

    /// Records a run in `directory`, which is empty.
    ///
    /// - Parameters:
    ///   - directory: Where to write.
    ///   - programVersion: Told in the model files and the summary.
    ///   - peakMemoryBytes: Asked at the end for the most memory that the process ever held; nil: not known.
    package init(
        directory: RunDirectory, programVersion: String, peakMemoryBytes: @escaping () -> UInt64? = { nil }
    ) {
        self.directory = directory
        self.programVersion = programVersion
        self.peakMemoryBytes = peakMemoryBytes
    }

    /// Writes `config.yaml` with the shards and the kernel that the run settled on, and opens `metrics.jsonl`.
    package func runWillStart(_ run: RunDescription) throws {
        self.run = run
        var configuration = run.configuration
        configuration.shards = run.shards
        configuration.kernel = MatrixKernel(rawValue: run.kernel) ?? configuration.kernel
        try AtomicFile.write(ConfigurationFile.yaml(of: configuration), to: directory.configuration)
        metrics = try MetricsLog(path: directory.metrics)
    }

    /// Appends a line to `metrics.jsonl`.
    package func runDidProgress(_ progress: StepProgress) {
        guard pendingFailure == nil else { return }
        do throws(ArtifactError) {
            try metrics?.append(.step(progress))
        } catch {
            pendingFailure = error
        }
    }

    /// Appends a line to `metrics.jsonl`, and replaces `best.safetensors` when the epoch is the best so far.
    package func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) throws {
        try throwPendingFailure()
        try metrics?.append(.epoch(epoch))
        if epoch.isBest { try save(parameters, to: directory.bestModel) }
    }

    /// Writes `model.safetensors` and `summary.json`.
    package func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws {
        guard let run else { preconditionFailure("a run that ends without having started") }
        try throwPendingFailure()
        try save(parameters, to: directory.model)
        let summary = RunSummary(
            run: run, outcome: outcome, programVersion: programVersion, peakMemoryBytes: peakMemoryBytes())
        try AtomicFile.write(try jsonText(summary, indented: true, path: directory.summary), to: directory.summary)
    }

    private func save(_ parameters: FloatBuffer, to path: String) throws(ArtifactError) {
        guard let run else { preconditionFailure("weights of a run that has not started") }
        let configuration = run.configuration
        try ModelFile.save(
            to: path, architecture: configuration.network, cost: configuration.cost,
            parameters: UnsafeBufferPointer(parameters.buffer),
            metadata: ModelMetadata(
                dataset: run.dataset, seed: configuration.training.seed, programVersion: programVersion))
    }

    private func throwPendingFailure() throws(ArtifactError) {
        if let failure = pendingFailure {
            pendingFailure = nil
            throw failure
        }
    }
}
