import Foundation
package import LockstepNumerics
package import LockstepTraining

/// Writes TensorBoard's `events.out.tfevents.*` during the run, and `report.html` at its end.
///
/// Training does not need either: if an event file cannot be written, the recorder warns once and training continues. A
/// report that cannot be written at the end is an ``ArtifactError``. A run that is resumed or goes back to an earlier state
/// starts another event file, which TensorBoard shows as the continuation of the first.
package final class ReportRecorder: RunObserver {
    private let directory: RunDirectory
    private let programVersion: String
    private let host: String
    private var run: RunDescription?
    private var events: TensorBoardFile?
    /// Event files that this process has begun.
    private var fileCount = 0
    private let warn: (String) -> Void

    /// Records a run.
    ///
    /// - Parameters:
    ///   - directory: Where to write.
    ///   - programVersion: Named in the report.
    ///   - host: Part of the event file's name, as in TensorBoard's own files.
    ///   - warn: Called with a sentence about a file that cannot be written.
    package init(
        directory: RunDirectory, programVersion: String, host: String, warn: @escaping (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.programVersion = programVersion
        self.host = host
        self.warn = warn
    }

    /// Opens the event file.
    package func runWillStart(_ run: RunDescription) {
        self.run = run
        openEvents()
    }

    /// Opens another event file, because the steps that follow have been reported already.
    package func runDidRecover(_ recovery: Recovery) {
        if recovery.rewoundTo != nil { openEvents() }
    }

    private func openEvents() {
        let second = Int(Date().timeIntervalSince1970)
        attempt { () throws(ArtifactError) in
            events = try TensorBoardFile(path: directory.events(second: second, host: host, number: fileCount))
        }
        fileCount += 1
    }

    /// Appends cost, learning rate and speed at the step.
    package func runDidProgress(_ progress: StepProgress) {
        append(
            step: progress.totalSteps,
            [
                ("cost/step", progress.meanTrainingLoss), ("learning_rate", progress.learningRate),
                ("speed/samples_per_second", progress.samplesPerSecond),
            ])
    }

    /// Appends costs, accuracies and the learning rate at the epoch's last step.
    package func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        append(
            step: epoch.totalSteps,
            [
                ("cost/training", epoch.meanTrainingLoss),
                ("cost/validation", epoch.validation?.meanLoss),
                ("cost/test", epoch.test?.meanLoss),
                ("accuracy/training", epoch.training?.accuracy),
                ("accuracy/validation", epoch.validation?.accuracy),
                ("accuracy/test", epoch.test?.accuracy),
                ("learning_rate", epoch.learningRate),
                ("workers", Double(epoch.workers)),
            ])
    }

    /// Writes `report.html`.
    package func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) throws {
        guard let run else { preconditionFailure("a run that ended before it started") }
        let summary = RunSummary(run: run, outcome: outcome, programVersion: programVersion, peakMemoryBytes: nil)
        let report = RunReport(
            summary, configuration: ConfigurationFile.yaml(of: run.configuration),
            speedup: try SpeedupRecord.load(directory))
        try AtomicFile.write(report.html, to: directory.report)
    }

    private func append(step: Int, _ values: [(tag: String, value: Double?)]) {
        attempt { () throws(ArtifactError) in try events?.append(step: step, values) }
    }

    /// Writes to the event file; after a failure, nothing more is written.
    private func attempt(_ body: () throws(ArtifactError) -> Void) {
        do throws(ArtifactError) {
            try body()
        } catch {
            events = nil
            warn("\(error); training continues without the TensorBoard file")
        }
    }
}

extension SplitScore {
    /// From 0 to 1; nil for a split without samples.
    fileprivate var accuracy: Double? {
        total > 0 ? correct.map { Double($0) / Double(total) } : nil
    }
}
