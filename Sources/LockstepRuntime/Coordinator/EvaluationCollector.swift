import LockstepCluster
import LockstepData
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Collects the scores of an evaluation's blocks until all are there.
final class EvaluationCollector {
    private let dataset: Dataset
    /// The number of neurons in the output layer.
    private let classes: Int
    /// Whether the outputs are classes.
    private let countsCorrect: Bool
    private var scores: [UInt32: BlockScore] = [:]
    /// Whether the evaluation ends early; then no score is needed any more.
    private(set) var shouldStop: () -> Bool = { false }

    init(dataset: Dataset, classes: Int, countsCorrect: Bool = true) {
        self.dataset = dataset
        self.classes = classes
        self.countsCorrect = countsCorrect
    }

    /// Begins an evaluation.
    ///
    /// - Parameters:
    ///   - parts: Splits, or parts of them.
    ///   - shouldStop: Asked before each block that this process computes; true ends the evaluation early.
    /// - Returns: The blocks of each part, as messages name them.
    func begin(_ parts: [EvaluationPart], shouldStop: @escaping () -> Bool = { false }) -> [[UInt32]] {
        self.shouldStop = shouldStop
        scores.removeAll(keepingCapacity: true)
        return parts.map { part in
            part.blocks(of: blocks(of: part.split)).map { EvaluationUnit(part.split, block: $0).rawValue }
        }
    }

    /// Adds a worker's answer.
    ///
    /// - Throws: `ProtocolError` if the answer's numbers contradict each other or the data set.
    func add(_ result: BlockResult, of item: WorkItem) throws(ProtocolError) {
        let predictions = Dictionary(uniqueKeysWithValues: result.predictions.map { (Int($0.key), Int($0.value)) })
        guard
            Int(result.total) == sampleCount(of: EvaluationUnit(rawValue: item.number)),
            result.correct <= result.total, predictions.keys.allSatisfy({ $0 < classes }),
            predictions.values.reduce(0, +) == Int(result.total)
        else { throw .inconsistent(.blockResult) }
        scores[item.number] = BlockScore(
            correct: Int(result.correct), total: Int(result.total), lossSum: result.lossSum, predictions: predictions)
    }

    /// Adds a score that the coordinator has computed.
    func add(_ score: BlockScore, of item: WorkItem) {
        scores[item.number] = score
    }

    /// Whether there is such a block.
    func includes(_ item: WorkItem) -> Bool { sampleCount(of: EvaluationUnit(rawValue: item.number)) > 0 }

    /// Forgets all scores: blocks of other weights follow.
    func removeAll() { scores.removeAll(keepingCapacity: true) }

    /// Removes and returns the score of a block; nil if there is none yet.
    func removeScore(of item: WorkItem) -> BlockScore? { scores.removeValue(forKey: item.number) }

    /// A part's score, which adds the scores of its blocks in their order.
    func score(of blocks: [UInt32]) -> SplitScore {
        SplitScore(blocks: blocks.compactMap { scores[$0] }, classes: classes, countsCorrect: countsCorrect)
    }

    private func blocks(of split: Split) -> BlockPartition {
        BlockPartition(dataset.indices(of: split), rows: BlockPartition.evaluationRows)
    }

    private func sampleCount(of unit: EvaluationUnit) -> Int {
        guard let split = unit.dataSplit else { return 0 }
        let blocks = blocks(of: split)
        return unit.block < blocks.count ? blocks[unit.block].count : 0
    }
}
