import Foundation
import LockstepTraining

/// Writes a run's TensorBoard files.
final class EventRecorder {
    private let directory: RunDirectory
    private let host: String
    private let warn: (String) -> Void
    private var events: TensorBoardFile?
    /// Event files that this process has begun.
    private var fileCount = 0

    /// Curves that are looked at together.
    private static let charts = [
        (title: "accuracy", tags: ["accuracy/training", "accuracy/validation", "accuracy/test"]),
        (title: "cost", tags: ["cost/training", "cost/validation", "cost/test"]),
        (title: "learning rate", tags: ["learning_rate"]),
    ]

    init(directory: RunDirectory, host: String, warn: @escaping (String) -> Void) {
        self.directory = directory
        self.host = host
        self.warn = warn
    }

    /// Opens another file.
    ///
    /// - Parameter step: The state that the run goes on from: values of later steps, in earlier files, are void. Nil: the
    ///   run is new.
    func open(step: Int?) {
        let second = Int(Date().timeIntervalSince1970)
        attempt { () throws(ArtifactError) in
            let file = try TensorBoardFile(path: directory.events(second: second, host: host, number: fileCount))
            if let step { try file.appendStart(afterStep: step) }
            try file.appendLayout(Self.charts)
            events = file
        }
        fileCount += 1
    }

    /// Appends cost, learning rate and speed at the step.
    func append(_ progress: StepProgress) {
        append(
            step: progress.totalSteps,
            [
                ("cost/step", progress.meanTrainingLoss), ("learning_rate", progress.learningRate),
                ("speed/samples_per_second", progress.samplesPerSecond),
            ])
    }

    /// Appends costs, accuracies and the learning rate at the epoch's last step.
    func append(_ epoch: EpochReport) {
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
