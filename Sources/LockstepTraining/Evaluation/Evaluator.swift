package import LockstepData
package import LockstepNetwork
package import LockstepSharding

/// Scores a network on a data set's splits, in fixed blocks, so that the floating-point cost is the same whoever
/// computes which block.
package final class Evaluator {
    private let network: Backpropagation
    private let dataset: Dataset
    /// The class that the network gives each row of a block.
    private var answers: [Int]

    /// - Parameters:
    ///   - network: Has room for ``BlockPartition/evaluationRows`` rows; used by one thread at a time.
    ///   - dataset: Its samples fit the network.
    package init(network: Backpropagation, dataset: Dataset) {
        self.network = network
        self.dataset = dataset
        self.answers = Array(repeating: 0, count: network.maximumRows)
    }

    /// Blocks that an evaluation cuts a split into.
    package func blocks(of split: Split) -> BlockPartition {
        BlockPartition(dataset.indices(of: split), rows: BlockPartition.evaluationRows)
    }

    /// Runs one block through the network.
    package func score(of split: Split, block: Int, weights: UnsafePointer<Float>) -> BlockScore {
        let samples = blocks(of: split)[block]
        let input = network.gather(samples, of: dataset)
        let (correct, lossSum) = network.evaluate(
            rows: samples.count, input: input, weights: weights, predictions: &answers)
        var predictions = Array(repeating: 0, count: network.layout.outputs)
        for answer in answers.prefix(samples.count) { predictions[answer] += 1 }
        return BlockScore(correct: correct, total: samples.count, lossSum: lossSum, predictions: predictions)
    }

    /// Runs a whole split through the network.
    package func score(of split: Split, weights: UnsafePointer<Float>) -> SplitScore {
        let blocks = (0..<blocks(of: split).count).map { score(of: split, block: $0, weights: weights) }
        return SplitScore(blocks: blocks, classes: network.layout.outputs)
    }
}
