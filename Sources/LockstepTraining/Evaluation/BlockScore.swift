/// How well the network does on one evaluation block.
package struct BlockScore: Hashable, Sendable {
    package var correct: Int
    package var total: Int
    /// Sum of the samples' costs.
    package var lossSum: Double
    /// How often each class was the answer.
    package var predictions: [Int]

    package init(correct: Int, total: Int, lossSum: Double, predictions: [Int]) {
        self.correct = correct
        self.total = total
        self.lossSum = lossSum
        self.predictions = predictions
    }
}

extension SplitScore {
    /// Adds the blocks of a split up, in their order.
    package init(blocks: [BlockScore], classes: Int) {
        self.init(correct: 0, total: 0, meanLoss: 0, predictions: Array(repeating: 0, count: classes))
        var lossSum = 0.0
        for block in blocks {
            correct += block.correct
            total += block.total
            lossSum += block.lossSum
            for (label, count) in block.predictions.enumerated() { predictions[label] += count }
        }
        meanLoss = total == 0 ? 0 : lossSum / Double(total)
    }
}
