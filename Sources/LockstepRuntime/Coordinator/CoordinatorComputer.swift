import LockstepCluster
import LockstepModel
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Computes gradients and scores in the coordinator: steps without workers, the coordinator's share of steps beside
/// workers, the rest of steps whose workers are lost, and audited tree nodes whose copies differ.
final class CoordinatorComputer {
    private let computer: ShardComputer
    /// Computes whole steps. Their gradient needs no memory of its own.
    private lazy var wholeSteps = LocalGradientSource(computer, inPlace: true)
    /// Computes the rest of steps that workers have begun.
    private lazy var remainders = LocalGradientSource(computer)
    /// The gradients of the coordinator's share of a step, one for each tree node; each is read until the step ends.
    private var shares: [FloatBuffer] = []
    /// How many of them the step uses.
    private var shareCount = 0
    private let chunks: ChunkLayout
    /// Whether the coordinator is computing a whole step, or the rest of one.
    private(set) var isComputing = false

    init(_ computer: ShardComputer) {
        self.computer = computer
        chunks = computer.layout.chunks
    }

    /// Prepares for a step.
    func beginStep() { shareCount = 0 }

    /// Computes a tree node of the coordinator's share.
    func computeShare(
        _ item: WorkItem, _ parameters: VersionedParameters, _ push: (PartialResult) throws -> Void
    ) throws {
        if shareCount == shares.count { shares.append(FloatBuffer(count: computer.layout.count)) }
        let gradient = shares[shareCount]
        shareCount += 1
        let lossSum = try computer.gradient(
            of: item.node, in: Batch(step: item.step, schedule: computer.schedule),
            weights: parameters.forward(item.step).pointer, into: gradient.pointer
        ) { [computer] segment in
            try computer.checkModel()
            for chunk in chunks.chunks(ofSegment: segment) {
                let floats = gradient.pointer + chunks.chunks[chunk].range.lowerBound
                try push(.gradient(item.node, chunk: chunk, floats, isStable: true))
            }
        }
        try computer.checkModel()
        try push(.lossSum(item.node, lossSum))
    }

    /// Computes a whole step.
    func compute(
        _ batch: Batch, _ parameters: VersionedParameters, _ push: (PartialResult) throws -> Void
    ) throws {
        try compute(batch, with: wholeSteps, parameters, push)
    }

    /// Computes the tree nodes of a step that no worker has answered.
    func computeRemainder(
        ofStep step: UInt64, _ parameters: VersionedParameters, _ push: (PartialResult) throws -> Void
    ) throws {
        try compute(Batch(step: step, schedule: computer.schedule), with: remainders, parameters, push)
    }

    private func compute(
        _ batch: Batch, with source: LocalGradientSource, _ parameters: VersionedParameters,
        _ push: (PartialResult) throws -> Void
    ) throws {
        isComputing = true
        defer { isComputing = false }
        try source.gradients(of: batch, parameters: parameters, push: push)
    }

    /// Writes the gradient sum of one tree node into memory for all parameters, and returns the sum of its losses.
    func gradient(of item: WorkItem, _ parameters: VersionedParameters, into gradient: FloatBuffer) -> Double {
        computer.gradient(
            of: item.node, in: Batch(step: item.step, schedule: computer.schedule),
            weights: parameters.forward(item.step).pointer, into: gradient.pointer
        ) { _ in }
    }

    /// Throws what the code of a program's own model has thrown.
    func checkModel() throws { try computer.checkModel() }

    /// The score of an evaluation block; nil if there is no such block.
    func score(of item: WorkItem, _ parameters: VersionedParameters) -> BlockScore? {
        let unit = EvaluationUnit(rawValue: item.number)
        guard let split = unit.dataSplit else { return nil }
        return computer.evaluator.score(of: split, block: unit.block, weights: parameters[item.step].pointer)
    }
}
