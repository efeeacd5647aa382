import LockstepCompute
package import LockstepNumerics
package import LockstepTraining

/// Writes a run directory while the run goes on.
///
/// Every error is an ``ArtifactError`` that names the file. A file that cannot be written while training goes on is no
/// reason to end the run: there is a warning, and what can be made good is made good later. At the end, a model or a
/// summary that cannot be written is an error.
package final class RunRecorder: RunObserver {
    package let directory: RunDirectory
    private let programVersion: String
    private let peakMemoryBytes: () -> UInt64?
    private let warn: (String) -> Void
    private var run: RunDescription?
    private var metrics: MetricsLog?
    /// Whether people know that `metrics.jsonl` has gaps.
    private var hasWarnedOfGaps = false
    /// The best weights, while `best.safetensors` could not be written.
    private var unsavedBest: FloatBuffer?

    /// Records a run in `directory`, which is empty or holds the run that is resumed.
    ///
    /// - Parameters:
    ///   - directory: Where to write.
    ///   - programVersion: Told in the model files and the summary.
    ///   - peakMemoryBytes: Asked at the end for the most memory that the process ever held; nil: not known.
    ///   - warn: Told, in a sentence, of what could not be written.
    package init(
        directory: RunDirectory, programVersion: String, peakMemoryBytes: @escaping () -> UInt64? = { nil },
        warn: @escaping (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.programVersion = programVersion
        self.peakMemoryBytes = peakMemoryBytes
        self.warn = warn
    }

    /// Writes `config.yaml` with the shards and the kernel that the run settled on, and opens `metrics.jsonl`, of a
    /// resumed run cut back to where it goes on.
    package func runWillStart(_ run: RunDescription) throws {
        self.run = run
        var configuration = run.configuration
        configuration.shards = run.shards
        configuration.kernel = MatrixKernel(rawValue: run.kernel) ?? configuration.kernel
        do throws(ArtifactError) {
            try AtomicFile.write(ConfigurationFile.yaml(of: configuration), to: directory.configuration)
        } catch {
            guard run.resumed != nil else { throw error }
            warn("\(error); the one there is older, and serves as well")
        }
        metrics = try MetricsLog(path: directory.metrics, resumedAt: run.resumed)
    }

    /// Appends a line to `metrics.jsonl`.
    package func runDidProgress(_ progress: StepProgress) {
        append(.step(progress))
    }

    /// Appends a line to `metrics.jsonl`, and replaces `best.safetensors` when the epoch is the best so far.
    package func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        append(.epoch(epoch))
        if epoch.isBest { unsavedBest = parameters }
        do throws(ArtifactError) {
            try saveBest()
        } catch {
            warn("\(error); training goes on, and it is tried again after the next epoch")
            if epoch.isBest { unsavedBest = copy(of: parameters) }
        }
    }

    /// Writes `model.safetensors` and `summary.json`.
    package func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws {
        guard let run else { preconditionFailure("a run that ends without having started") }
        let summary = RunSummary(
            run: run, outcome: outcome, programVersion: programVersion, peakMemoryBytes: peakMemoryBytes())
        // One file that cannot be written is no reason to leave out the others.
        var failure: ArtifactError?
        func attempt(_ body: () throws(ArtifactError) -> Void) {
            do throws(ArtifactError) { try body() } catch { failure = failure ?? error }
        }
        attempt { () throws(ArtifactError) in try save(parameters, to: directory.model) }
        attempt { () throws(ArtifactError) in try saveBest() }
        attempt { () throws(ArtifactError) in
            try AtomicFile.write(jsonText(summary, indented: true, path: directory.summary), to: directory.summary)
        }
        if let failure { throw failure }
    }

    private func append(_ line: MetricsLine) {
        do throws(ArtifactError) {
            try metrics?.append(line)
        } catch {
            guard !hasWarnedOfGaps else { return }
            hasWarnedOfGaps = true
            warn("\(error); training goes on without some lines of it")
        }
    }

    private func saveBest() throws(ArtifactError) {
        guard let best = unsavedBest else { return }
        try save(best, to: directory.bestModel)
        unsavedBest = nil
    }

    private func copy(of parameters: FloatBuffer) -> FloatBuffer {
        let copy = FloatBuffer(count: parameters.count)
        copy.pointer.update(from: parameters.pointer, count: parameters.count)
        return copy
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
}
