import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics
package import LockstepTraining

/// Finds out, for a run's page, what its network gets wrong and what its first layer looks for.
package final class ReportAnalyst {
    private let model: NetworkModel
    private let dataset: Dataset
    private let targets: TargetEncoding?
    private let makeAnalyzer: () throws -> SplitAnalyzer
    /// Made for the first analysis; nil after a failure.
    private lazy var analyzer = try? makeAnalyzer()
    private let split: Split

    /// The most memory that an analysis may take for activations.
    private static let memoryLimit = 256 << 20

    /// Nil if the run's model is no network, if it evaluates nothing, or if an analysis would take much memory.
    package init?(_ run: TrainingRun) {
        guard let model = run.model as? NetworkModel, run.configuration.evaluation.every > 0,
            model.workspaceBytes(rows: model.blockRows) <= Self.memoryLimit
        else { return nil }
        let splits = [Split.test, .validation].filter { !run.dataset.indices(of: $0).isEmpty }
        guard let split = splits.first else { return nil }
        self.model = model
        self.split = split
        let dataset = run.dataset
        self.dataset = dataset
        targets = run.configuration.targets
        makeAnalyzer = { try SplitAnalyzer(model, library: run.library, dataset: dataset) }
    }

    /// Replaces the analysis in `details` by an analysis of an epoch's weights.
    func analyse(_ parameters: FloatBuffer, epoch: Int, into details: inout ReportDetails) {
        guard let analysis = analyzer?.analysis(of: split, weights: parameters.pointer) else { return }
        let description = dataset.description
        details.analysis = analysis
        details.analysedEpoch = epoch
        details.answerNames =
            targets?.answerNames(classes: description.classNames, outputs: model.outputs) ?? description.classNames
        guard let picture = SamplePicture(model, description) else { return }
        details.pictureRatio = Double(picture.columns) / Double(picture.rows)
        details.mistakePictures = analysis.mistakes.map { picture.address(of: $0.sample, in: dataset) }
        details.neurons = FirstLayerPictures(model, picture, weights: parameters.pointer).map {
            ReportDetails.Neurons(
                pictures: $0.addresses, count: $0.count, ratio: Double($0.columns) / Double($0.rows))
        }
    }
}
