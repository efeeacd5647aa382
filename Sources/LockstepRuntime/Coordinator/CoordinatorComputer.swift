import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Computes gradients and scores in the coordinator: steps without workers, the rest of steps whose workers are lost,
/// and audited tree nodes whose copies differ.
final class CoordinatorComputer {
    private let computer: ShardComputer
    /// Computes whole steps. Their gradient needs no memory of its own.
    private lazy var wholeSteps = LocalGradientSource(computer, inPlace: true)
    /// Computes the rest of steps that workers have begun.
    private lazy var remainders = LocalGradientSource(computer)
    /// Whether the coordinator is computing a step.
    private(set) var isComputing = false

    init(_ computer: ShardComputer) {
        self.computer = computer
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

    /// The score of an evaluation block; nil if there is no such block.
    func score(of item: WorkItem, _ parameters: VersionedParameters) -> BlockScore? {
        let unit = EvaluationUnit(rawValue: item.number)
        guard let split = unit.dataSplit else { return nil }
        return computer.evaluator.score(of: split, block: unit.block, weights: parameters[item.step].pointer)
    }
}
