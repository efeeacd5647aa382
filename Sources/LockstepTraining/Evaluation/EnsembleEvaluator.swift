package import LockstepCompute
package import LockstepData
package import LockstepNetwork
package import LockstepNumerics
import LockstepSharding

/// Scores several trained networks together on a data set's splits: what counts is the mean of their outputs.
///
/// Each network computes in its own blocks, so its outputs have the bits that they have alone. ``OutputMean`` says what is
/// averaged and in which order.
package final class EnsembleEvaluator {
    private let members: [(evaluator: Evaluator, parameters: FloatBuffer)]
    /// The first network, whose cost function is applied to the mean of the outputs.
    private let first: NetworkModel
    private let dataset: Dataset

    /// - Parameters:
    ///   - members: At least one network with its parameters, in its layout; all have equally many inputs and outputs.
    ///   - library: Computes the networks.
    ///   - dataset: Its samples fit the networks.
    /// - Throws: `ComputeError` if the compute library cannot compute one of the networks.
    package init(
        _ members: [(model: NetworkModel, parameters: FloatBuffer)], library: ComputeLibrary, dataset: Dataset
    ) throws {
        guard let first = members.first?.model,
            members.allSatisfy({ $0.model.inputs == first.inputs && $0.model.outputs == first.outputs })
        else { preconditionFailure("an ensemble of no network, or of networks for different samples") }
        self.members = try members.map {
            (try Evaluator($0.model, library: library, dataset: dataset), $0.parameters)
        }
        self.first = first
        self.dataset = dataset
    }

    /// Runs a whole split through all networks.
    ///
    /// The score of a single network is the one that ``Evaluator`` gives it, from weighted inputs: these tell outputs apart
    /// that are both rounded to 1.
    package func score(of split: Split) -> SplitScore {
        if members.count == 1 {
            return members[0].evaluator.score(of: split, weights: members[0].parameters.pointer)
        }
        let units = members[0].evaluator.blocks(of: split)
        return SplitScore(
            blocks: (0..<units.count).map { score(of: units[$0]) }, classes: first.answers,
            countsCorrect: !first.predictsNumbers)
    }

    /// Runs one unit of a split through all networks.
    private func score(of samples: Range<Int>) -> BlockScore {
        let (rows, classes) = (samples.count, first.outputs)
        var mean = OutputMean(networks: members.count, count: rows * classes)
        for (evaluator, parameters) in members {
            evaluator.outputs(of: samples, weights: parameters.pointer) { outputs, row in
                mean.add(outputs, at: row * classes)
            }
        }
        let outputs = mean.values
        if first.predictsNumbers {
            var targets = [Float](repeating: 0, count: rows)
            dataset.gatherTargets(samples, into: &targets)
            let lossSum = squaredError(outputs: outputs, targets: targets, rows: rows, count: classes, delta: nil)
            return BlockScore(correct: 0, total: rows, lossSum: lossSum, predictions: [0: rows])
        }
        var labels = [UInt16](repeating: 0, count: rows)
        dataset.gatherLabels(samples, into: &labels)
        var predictions = [Int](repeating: 0, count: rows)
        if let encoding = first.objective.targets {
            let correct = encoding.countCorrect(
                outputs, labels: labels, rows: rows, count: classes, answers: &predictions)
            let lossSum = encoding.lossSum(
                first.objective.cost, outputs: outputs, labels: labels, rows: rows, count: classes)
            return BlockScore(
                correct: correct, total: rows, lossSum: lossSum,
                predictions: predictions.reduce(into: [:]) { $0[$1, default: 0] += 1 })
        }
        let correct = countCorrect(outputs, labels: labels, rows: rows, classes: classes, predictions: &predictions)
        let lossSum = first.objective.cost.lossSum(
            ofOutputs: outputs, of: first.architecture.output, labels: labels, rows: rows, classes: classes)
        var counts: [Int: Int] = [:]
        for label in predictions { counts[label, default: 0] += 1 }
        return BlockScore(correct: correct, total: rows, lossSum: lossSum, predictions: counts)
    }
}
