package import LockstepCompute
package import LockstepData
package import LockstepModel
package import LockstepSharding

/// Scores a model on a data set's splits, in fixed units of samples: the sum of the losses has the same bits whichever process
/// computes a unit.
package final class Evaluator {
    private let model: any Model
    private let computer: any ModelComputer
    private let dataset: Dataset
    /// The class that the model predicts for each sample of a unit.
    private var predictions: [Int]

    /// - Parameters:
    ///   - model: What is scored.
    ///   - computer: The model's computer; used by one thread at a time. Before the first score, it must be prepared for the
    ///     ``blockSizes(of:)``.
    ///   - dataset: Its samples fit the model.
    package init(model: any Model, computer: any ModelComputer, dataset: Dataset) {
        self.model = model
        self.computer = computer
        self.dataset = dataset
        self.predictions = Array(repeating: 0, count: BlockPartition.evaluationRows)
    }

    /// Makes an evaluator with a computer of its own.
    ///
    /// - Throws: `ComputeError` if the compute library cannot compute the model.
    package convenience init(_ model: any Model, library: ComputeLibrary, dataset: Dataset) throws {
        let rows = min(model.blockRows, BlockPartition.evaluationRows)
        let computer = try model.makeComputer(seed: 0, library: library, maximumRows: rows)
        self.init(model: model, computer: computer, dataset: dataset)
        for split in Split.allCases { try computer.prepare(rows: blockSizes(of: split)) }
    }

    /// The sizes of the blocks in which the units of a split are computed.
    package func blockSizes(of split: Split) -> Set<Int> {
        blocks(of: split).sizes.reduce(into: []) { sizes, rows in
            sizes.formUnion(BlockPartition(0..<rows, rows: model.blockRows).sizes)
        }
    }

    /// The units of a split.
    package func blocks(of split: Split) -> BlockPartition {
        BlockPartition(dataset.indices(of: split), rows: BlockPartition.evaluationRows)
    }

    /// Runs one unit through the model, in the model's blocks.
    package func score(of split: Split, block: Int, weights: UnsafePointer<Float>) -> BlockScore {
        let samples = blocks(of: split)[block]
        computer.load(weights: weights)
        var (correct, lossSum) = (0, 0.0)
        predictions.withUnsafeMutableBufferPointer { predictions in
            guard let base = predictions.baseAddress else { return }
            let parts = BlockPartition(samples, rows: model.blockRows)
            for part in (0..<parts.count).map({ parts[$0] }) {
                let input = computer.gather(part, of: dataset)
                let result = computer.evaluate(
                    rows: part.count, input: input, predictions: base + (part.lowerBound - samples.lowerBound))
                correct += result.correct
                lossSum += result.lossSum
            }
        }
        var counts: [Int: Int] = [:]
        for label in predictions.prefix(samples.count) { counts[label, default: 0] += 1 }
        return BlockScore(correct: correct, total: samples.count, lossSum: lossSum, predictions: counts)
    }

    /// Runs the samples of one unit through the model, in the model's blocks, for their outputs.
    ///
    /// - Parameters:
    ///   - samples: One of the split's ``blocks(of:)``.
    ///   - weights: The parameters, in the model's layout.
    ///   - receive: Called with each block's outputs, [rows, outputs], and with the place of its first sample in the unit.
    func outputs(
        of samples: Range<Int>, weights: UnsafePointer<Float>, receive: (UnsafeBufferPointer<Float>, Int) -> Void
    ) {
        computer.load(weights: weights)
        let parts = BlockPartition(samples, rows: model.blockRows)
        for part in (0..<parts.count).map({ parts[$0] }) {
            dataset.gather(part, into: computer.inputs)
            let outputs = computer.outputs(rows: part.count)
            receive(
                UnsafeBufferPointer(start: outputs, count: part.count * model.outputs),
                part.lowerBound - samples.lowerBound)
        }
    }

    /// Runs a whole split through the model.
    package func score(of split: Split, weights: UnsafePointer<Float>) -> SplitScore {
        let blocks = (0..<blocks(of: split).count).map { score(of: split, block: $0, weights: weights) }
        return SplitScore(blocks: blocks, classes: model.answers, countsCorrect: !model.predictsNumbers)
    }

    /// Runs a part of a split through the model, unless `shouldStop`, which is asked before each block, ends it: then the
    /// score is nil.
    package func score(
        of part: EvaluationPart, weights: UnsafePointer<Float>, shouldStop: () -> Bool
    ) -> SplitScore? {
        var scores: [BlockScore] = []
        for block in part.blocks(of: blocks(of: part.split)) {
            if shouldStop() { return nil }
            scores.append(score(of: part.split, block: block, weights: weights))
        }
        return SplitScore(blocks: scores, classes: model.answers, countsCorrect: !model.predictsNumbers)
    }
}
