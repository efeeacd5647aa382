import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTimeline
import LockstepTraining

/// A run of 23 samples in mini-batches of 5: two epochs of five steps, the last of each a short one.
struct TrainingFixture {
    var configuration = RunConfiguration(
        name: "tiny", data: .named("tiny"), network: Architecture(sizes: [6, 4, 3]),
        training: TrainingOptions(epochs: 2, batch: 5, seed: 3), optimizer: .sgd(learningRate: 0.5), shards: 3,
        kernel: .portable)
    let dataset: Dataset
    let library: ComputeLibrary

    init(optimizer: OptimizerConfiguration = .sgd(learningRate: 0.5)) throws {
        configuration.optimizer = optimizer
        let samples = 23 + 7 + 9
        dataset = try Dataset.make(
            name: "tiny", inputSize: 6, features: (0..<samples * 6).map { UInt8(truncatingIfNeeded: $0 * $0 * 31) },
            labels: (0..<samples).map { UInt16($0 % 3) }, validation: 7, test: 9, classCount: 3)
        library = try ComputeLibrary.open(.portable)
    }

    func computer() throws -> ShardComputer {
        try ShardComputer(configuration: configuration, dataset: dataset, library: library)
    }

    /// Trains, from the start or from a state, and returns how it ended.
    func train(
        from state: TrainingState? = nil, source: (any GradientSource)? = nil, checkpoints: MemoryStore? = nil,
        observers: [any RunObserver] = [], shouldStop: @escaping () -> Bool = { false }
    ) throws -> RunOutcome {
        let computer = try computer()
        let initial = FloatBuffer(count: computer.layout.count)
        if let state {
            initial.pointer.update(from: state.parameters.pointer, count: initial.count)
        } else {
            try configuration.makeModel().initialize(seed: configuration.training.seed, into: initial)
        }
        let trainer = try Trainer(
            configuration: configuration, schedule: computer.schedule, layout: computer.layout,
            parameters: parameters(initial, version: state?.progress.step ?? 0),
            resumed: state, source: source ?? LocalGradientSource(computer),
            dependencies: Trainer.Dependencies(
                observers: observers, checkpoints: checkpoints, shouldStop: shouldStop,
                makeShardComputer: self.computer,
                initialWeights: {
                    try configuration.makeModel().initialize(seed: configuration.training.seed, into: $0)
                }))
        return try trainer.run()
    }

    private func parameters(_ initial: FloatBuffer, version: UInt64) -> VersionedParameters {
        func room() -> FloatBuffer { FloatBuffer(count: initial.count) }
        let rounded = configuration.communicationDataType == .float32 ? nil : (even: room(), odd: room())
        let parameters = VersionedParameters(initial: initial, other: room(), rounded: rounded, version: version)
        parameters.round(0..<initial.count, of: version)
        return parameters
    }
}

/// Saves states in memory: all that are due, or only the last.
final class MemoryStore: CheckpointStore {
    private(set) var states: [TrainingState] = []
    private let keepsAll: Bool
    /// The memory of the run: its first weights' and its optimizer's.
    private var live: TrainingState?
    /// Called with that memory after each step, with the number of steps so far.
    var afterStep: (TrainingState, Int) -> Void = { _, _ in }
    /// Called with the run's memory after a state was saved, and whether it was the last.
    var afterSave: (TrainingState, _ isLast: Bool) -> Void = { _, _ in }
    private var steps = 0

    init(keepsAll: Bool) {
        self.keepsAll = keepsAll
    }

    func prepare(for state: TrainingState) { live = state }

    func isDue(at now: Instant) -> Bool {
        steps += 1
        if let live { afterStep(live, steps) }
        return keepsAll
    }

    func newest() -> TrainingState? { states.last }

    private var mayFlip = true

    /// Flips a bit of the run's first weights, the first time.
    func flipOnce() {
        guard mayFlip, let weights = live?.parameters else { return }
        mayFlip = false
        weights.pointer[7] = Float(bitPattern: weights.pointer[7].bitPattern ^ (1 << 30))
    }

    func save(_ state: TrainingState, isLast: Bool) {
        func copy(_ buffer: FloatBuffer) -> FloatBuffer {
            let copy = FloatBuffer(count: buffer.count)
            copy.pointer.update(from: buffer.pointer, count: buffer.count)
            return copy
        }
        var saved = TrainingState(
            progress: state.progress, parameters: copy(state.parameters),
            optimizer: state.optimizer.map { ($0.name, copy($0.buffer)) })
        saved.sums = state.sums
        states.append(saved)
        afterSave(state, isLast)
    }
}

/// A source that pushes each shard by itself, the last one first, and that can be made to fail.
final class ShardSource: GradientSource {
    struct Lost: Error {}

    /// Changes a shard's result.
    typealias Tampering = (_ step: UInt64, _ shard: Int, _ gradient: FloatBuffer, _ loss: inout Double) -> Void

    private let computer: ShardComputer
    private let gradient: FloatBuffer
    var tamper: Tampering = { _, _, _, _ in }
    /// Fails in this step, before the last chunk of the last shard.
    var failingStep: UInt64?
    /// Whether its results count as those of the coordinator.
    var isLocal = false
    /// Called with the step's number before each step.
    var willStep: (UInt64) throws -> Void = { _ in }
    /// Called with the step's number and its weights.
    var willCompute: (UInt64, VersionedParameters) -> Void = { _, _ in }
    /// Says in this step that two processes have computed different results.
    var mismatchStep: UInt64?
    /// Called with the step's number when the trainer has the workers' data sets verified.
    var willVerify: (UInt64) throws -> Void = { _ in }
    /// Called before each evaluation.
    var willEvaluate: () throws -> Void = {}

    init(_ fixture: TrainingFixture) throws {
        computer = try fixture.computer()
        gradient = FloatBuffer(count: computer.layout.count)
    }

    var workers: Int { 3 }
    var membersPresent: Int { 3 }
    var membership: MembershipCounts { MembershipCounts() }

    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws {
        try willStep(batch.step)
        willCompute(batch.step, parameters)
        if mismatchStep == batch.step { try push(.mismatch(batch.tree.root)) }
        let chunks = computer.layout.chunks.chunks
        for leaf in batch.tree.leaves.reversed() {
            let shard = batch.tree.slot(of: leaf)
            var loss = computer.gradient(
                of: leaf, in: batch, weights: parameters.forward(batch.step).pointer, into: gradient.pointer
            ) { _ in }
            if auditedThrough.map({ $0 < batch.step }) ?? !excluded.contains(leaf) {
                tamper(batch.step, shard, gradient, &loss)
            }
            let isLast = leaf == batch.tree.leaves.first
            for (index, chunk) in chunks.enumerated() {
                if isLast, index == chunks.count - 1, failingStep == batch.step { throw Lost() }
                try push(.gradient(leaf, chunk: index, gradient.pointer + chunk.range.lowerBound, isStable: false))
            }
            try push(.lossSum(leaf, loss))
        }
    }

    func publish(version: UInt64, chunk: Int) {}

    func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]? {
        try willEvaluate()
        return try LocalGradientSource(computer).evaluate(parts, parameters: parameters, shouldStop: shouldStop)
    }

    func workerName(of node: NodeID) -> String? { isLocal ? nil : "worker \(node.rawValue)" }

    /// Workers that were excluded, and how often a step was abandoned.
    private(set) var excluded: [NodeID] = []
    private(set) var abandoned = 0
    /// Steps up to this one are computed as this process would; nil: it cannot be had.
    var auditable = false
    private var auditedThrough: UInt64?

    func verifyData(step: UInt64) throws { try willVerify(step) }

    func abandonStep(isRewound: Bool) { abandoned += 1 }

    func excludeWorker(of node: NodeID, inStep step: UInt64) { excluded.append(node) }

    func auditSteps(through step: UInt64) -> Bool {
        if auditable { auditedThrough = step }
        return auditable
    }
}
