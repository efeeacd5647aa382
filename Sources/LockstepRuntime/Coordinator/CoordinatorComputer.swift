import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// The coordinator's own arithmetic: for steps that it computes alone, for what workers have left of a step, and for audits.
final class CoordinatorComputer {
    private let computer: ShardComputer
    /// For steps that the coordinator computes from their start: their gradient needs no memory of its own.
    private lazy var wholeSteps = LocalGradientSource(computer, inPlace: true)
    private lazy var remainders = LocalGradientSource(computer)
    /// Whether a step is being computed here.
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

    /// Computes what is missing of a step that workers have begun.
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

    /// The gradient sum of one tree node, into memory of all parameters; returns the sum of its losses.
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
