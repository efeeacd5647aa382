import Glibc
import LockstepCompute
import LockstepData
import LockstepNetwork
package import LockstepNumerics
import LockstepSystem
import LockstepText
package import LockstepTraining

/// Writes the files of a run directory during the run.
///
/// Every error is an ``ArtifactError`` that names the file. A file that cannot be written during training does not end the
/// run: the recorder warns, and tries again later where that helps. At the end, a model or a summary that cannot be
/// written is an error; then both are written to a folder elsewhere, which a warning names.
package final class RunRecorder: RunObserver {
    package let directory: RunDirectory
    private let programVersion: String
    private let peakMemoryBytes: () -> UInt64?
    private let fallbacks: [String]
    private let warn: (String) -> Void
    private var run: RunDescription?
    private var metrics: MetricsLog?
    /// Whether the recorder has warned that `metrics.jsonl` has gaps.
    private var hasWarnedOfGaps = false
    /// The best weights, if `best.safetensors` could not be written.
    private var unsavedBest: FloatBuffer?

    /// Records a run in `directory`, which is empty or holds the run that is resumed.
    ///
    /// - Parameters:
    ///   - directory: Where to write.
    ///   - programVersion: Named in the model files and the summary.
    ///   - peakMemoryBytes: Returns the largest memory that the process has had; called at the end; nil: not known.
    ///   - fallbacks: Folders for the final model if the directory cannot be written, the first choice first.
    ///   - warn: Called with a sentence about a file that cannot be written.
    package init(
        directory: RunDirectory, programVersion: String, peakMemoryBytes: @escaping () -> UInt64? = { nil },
        fallbacks: [String] = [], warn: @escaping (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.programVersion = programVersion
        self.peakMemoryBytes = peakMemoryBytes
        self.fallbacks = fallbacks
        self.warn = warn
    }

    /// Writes `config.yaml` with the run's shards and kernel, and opens `metrics.jsonl`, which is cut back to the state that a
    /// resumed run starts from.
    package func runWillStart(_ run: RunDescription) throws {
        self.run = run
        var configuration = run.configuration
        configuration.shards = run.shards
        configuration.kernel = NumericKernel(rawValue: run.kernel) ?? configuration.kernel
        do throws(ArtifactError) {
            try AtomicFile.write(ConfigurationFile.yaml(of: configuration), to: directory.configuration)
        } catch {
            guard run.resumed != nil else { throw error }
            warn("\(error); the earlier file stays and is as good")
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
            warn("\(error); training continues, and the file is written after the next epoch")
            if epoch.isBest { unsavedBest = copy(of: parameters) }
        }
    }

    /// Cuts `metrics.jsonl` back to the state that the run goes back to.
    package func runDidRecover(_ recovery: Recovery) {
        guard let progress = recovery.rewoundTo else { return }
        unsavedBest = nil
        metrics = nil
        do throws(ArtifactError) {
            metrics = try MetricsLog(path: directory.metrics, resumedAt: progress)
        } catch {
            warn("\(error); training continues, and some lines will be missing")
        }
    }

    /// Writes `model.safetensors` and `summary.json`.
    package func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws {
        guard let run else { preconditionFailure("a run that ended before it started") }
        let summary = RunSummary(
            run: run, outcome: outcome, programVersion: programVersion, peakMemoryBytes: peakMemoryBytes())
        // If one file cannot be written, the others still are.
        var failure: ArtifactError?
        func attempt(_ body: () throws(ArtifactError) -> Void) {
            do throws(ArtifactError) { try body() } catch { failure = failure ?? error }
        }
        attempt { () throws(ArtifactError) in try save(parameters, to: directory.model) }
        attempt { () throws(ArtifactError) in try saveBest() }
        attempt { () throws(ArtifactError) in try save(summary, to: directory) }
        guard let failure else { return }
        saveElsewhere(summary, parameters)
        throw failure
    }

    private func save(_ summary: RunSummary, to directory: RunDirectory) throws(ArtifactError) {
        try AtomicFile.write(jsonText(summary, indented: true, path: directory.summary), to: directory.summary)
    }

    /// Writes the model and the summary of a run whose directory is full or gone into a new folder elsewhere.
    private func saveElsewhere(_ summary: RunSummary, _ parameters: FloatBuffer) {
        for fallback in fallbacks {
            guard let folder = try? RunDirectory.makeFallback(in: fallback, name: summary.name) else { continue }
            guard (try? save(parameters, to: folder.model)) != nil else {
                rmdir(folder.path)
                continue
            }
            try? save(summary, to: folder)
            if let best = unsavedBest { try? save(best, to: folder.bestModel) }
            return warn("the model is in \(folder.path.printable) instead; its weights are \(summary.weightsSHA256)")
        }
    }

    private func append(_ line: MetricsLine) {
        do throws(ArtifactError) {
            try metrics?.append(line)
        } catch {
            guard !hasWarnedOfGaps else { return }
            hasWarnedOfGaps = true
            warn("\(error); training continues, and some lines will be missing")
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
        let outputs = (try? configuration.network.ends().outputs) ?? run.dataset.classCount
        let metadata = ModelMetadata(
            dataset: run.dataset, outputs: outputs, targets: configuration.targets, seed: configuration.training.seed,
            programVersion: programVersion)
        let floats = UnsafeBufferPointer(parameters.buffer)
        if let model = configuration.model {
            return try ModelFile.save(to: path, model, parameters: floats, metadata: metadata)
        }
        try ModelFile.save(
            to: path, architecture: configuration.network, cost: configuration.cost, targets: configuration.targets,
            parameters: floats, metadata: metadata)
    }
}
