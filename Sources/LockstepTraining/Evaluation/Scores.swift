/// How well the network does on one evaluation block; a split's ``SplitScore`` is made of them.
package struct BlockScore: Hashable, Sendable {
    package var correct: Int
    package var total: Int
    /// The sum of the samples' losses.
    package var lossSum: Double
    /// How often each class was predicted, by the class; classes that were never predicted are missing.
    package var predictions: [Int: Int]

    package init(correct: Int, total: Int, lossSum: Double, predictions: [Int: Int]) {
        self.correct = correct
        self.total = total
        self.lossSum = lossSum
        self.predictions = predictions
    }
}

/// How well the network does on one split.
package struct SplitScore: Codable, Hashable, Sendable {
    package var correct: Int
    package var total: Int
    /// Mean loss of the samples, C.
    package var meanLoss: Double
    /// How often each class was predicted.
    package var predictions: [Int]

    package init(correct: Int, total: Int, meanLoss: Double, predictions: [Int]) {
        self.correct = correct
        self.total = total
        self.meanLoss = meanLoss
        self.predictions = predictions
    }

    /// The keys of checkpoints.
    private enum CodingKeys: String, CodingKey {
        case correct, total, predictions
        case meanLoss = "cost"
    }
}

extension SplitScore {
    /// Adds the blocks of a split, in their order.
    ///
    /// - Parameters:
    ///   - blocks: The blocks' scores.
    ///   - classes: The network's outputs; each predicted class is below it.
    package init(blocks: [BlockScore], classes: Int) {
        self.init(correct: 0, total: 0, meanLoss: 0, predictions: Array(repeating: 0, count: classes))
        var lossSum = 0.0
        for block in blocks {
            correct += block.correct
            total += block.total
            lossSum += block.lossSum
            for (label, count) in block.predictions { predictions[label] += count }
        }
        meanLoss = total == 0 ? 0 : lossSum / Double(total)
    }
}
