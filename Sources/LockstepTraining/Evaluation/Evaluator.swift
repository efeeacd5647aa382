package import LockstepData
package import LockstepNetwork
package import LockstepSharding

/// Scores a network on a data set's splits, in fixed blocks: the sum of the losses has the same bits whichever process
/// computes a block.
package final class Evaluator {
    private let network: Backpropagation
    private let dataset: Dataset
    /// The class that the network predicts for each row of a block.
    private var predictions: [Int]

    /// - Parameters:
    ///   - network: Has memory for ``BlockPartition/evaluationRows`` rows; used by one thread at a time.
    ///   - dataset: Its samples fit the network.
    package init(network: Backpropagation, dataset: Dataset) {
        self.network = network
        self.dataset = dataset
        self.predictions = Array(repeating: 0, count: network.maximumRows)
    }

    /// The blocks of a split.
    package func blocks(of split: Split) -> BlockPartition {
        BlockPartition(dataset.indices(of: split), rows: BlockPartition.evaluationRows)
    }

    /// Runs one block through the network.
    package func score(of split: Split, block: Int, weights: UnsafePointer<Float>) -> BlockScore {
        let samples = blocks(of: split)[block]
        let input = network.gather(samples, of: dataset)
        let (correct, lossSum) = network.evaluate(
            rows: samples.count, input: input, weights: weights, predictions: &predictions)
        var counts: [Int: Int] = [:]
        for label in predictions.prefix(samples.count) { counts[label, default: 0] += 1 }
        return BlockScore(correct: correct, total: samples.count, lossSum: lossSum, predictions: counts)
    }

    /// Runs a whole split through the network.
    package func score(of split: Split, weights: UnsafePointer<Float>) -> SplitScore {
        let blocks = (0..<blocks(of: split).count).map { score(of: split, block: $0, weights: weights) }
        return SplitScore(blocks: blocks, classes: network.layout.outputs)
    }
}
