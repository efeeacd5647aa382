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
    /// Nil where the network predicts numbers, which are not right or wrong.
    package var correct: Int?
    package var total: Int
    /// Mean loss of the samples, C.
    package var meanLoss: Double
    /// How often each class was predicted.
    package var predictions: [Int]

    package init(correct: Int?, total: Int, meanLoss: Double, predictions: [Int]) {
        self.correct = correct
        self.total = total
        self.meanLoss = meanLoss
        self.predictions = predictions
    }

    /// What a better score has more of: correct samples or, where numbers are predicted, less cost.
    package var merit: Double { correct.map(Double.init) ?? -meanLoss }

    /// The part of the targets' variance that the network explains, 1 - Σ (y - a)² / Σ (y - ȳ)²: 1 is perfect, and 0 as good as
    /// the targets' mean.
    package func r2(variance: Double?) -> Double? {
        guard correct == nil, let variance, variance > 0 else { return nil }
        return 1 - 2 * meanLoss / variance
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
    ///   - countsCorrect: Whether the outputs are classes.
    package init(blocks: [BlockScore], classes: Int, countsCorrect: Bool = true) {
        self.init(
            correct: nil, total: 0, meanLoss: 0, predictions: countsCorrect ? Array(repeating: 0, count: classes) : [])
        var lossSum = 0.0
        for block in blocks {
            total += block.total
            lossSum += block.lossSum
            if countsCorrect { for (label, count) in block.predictions { predictions[label] += count } }
        }
        if countsCorrect { correct = blocks.reduce(0) { $0 + $1.correct } }
        meanLoss = total == 0 ? 0 : lossSum / Double(total)
    }
}
