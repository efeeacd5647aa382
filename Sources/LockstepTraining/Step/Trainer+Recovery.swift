import LockstepData
import LockstepNumerics
import LockstepSharding
import LockstepTimeline

/// How a run goes on after a fault: it repeats the step under way, or all steps since an earlier state.
///
/// New weights are written beside the present ones, so a step can be repeated for as long as the optimizer's memory, which
/// has one version, is untouched. Otherwise the run goes back to its newest checkpoint. Steps are deterministic, so the
/// weights are the same afterwards.
extension Trainer {
    /// The step in which a fault was found, which this process computes itself when it comes to it again.
    struct DoubtfulStep {
        var step: UInt64
        /// Whether the optimizer has begun the step already.
        var isUnderWay: Bool
        /// The error that ends the run if the fault is found again.
        var error: NonFiniteError
    }

    /// Continues the run after a result that is not finite.
    ///
    /// - Throws: ``TrainingError/notFinite(_:)`` if this process computes them too.
    func recover(from result: NonFiniteResult) throws {
        let step = parameters.version
        guard self.step.memory.areWeightsIntact(parameters) else {
            return try recover(from: MemoryFault(.weights, step: step))
        }
        if let doubtful, doubtful.step == step { throw TrainingError.notFinite(doubtful.error) }
        switch try locate(result) {
        case .confirmed(let error):
            // An earlier result of a worker may have been finite and wrong: then the steps up to here are computed twice.
            guard step > lastState, source.auditSteps(through: step) else { throw TrainingError.notFinite(error) }
            doubtful = DoubtfulStep(step: step, isUnderWay: false, error: error)
            try rewind(
                because: "\(error.finding); the workers' results are checked now", orThrow: .notFinite(error))
        case .worker(let node, let isFinite):
            let name = source.workerName(of: node) ?? ""
            let error = NonFiniteError(
                quantity: result.quantity, step: step, epoch: schedule.epoch(ofStep: step), shards: schedule.shards,
                worker: name)
            let isSuspect = isFinite && step > lastState && source.auditSteps(through: step)
            try repeatStep(
                because: "step \(step): the \(result.quantity) of node \(node.rawValue), computed by \(name), is wrong",
                excludingWorkerOf: node, isRewound: isSuspect, error: error)
        case .unknown(let error):
            // If a worker goes on like this, an audit names it.
            _ = source.auditSteps(through: step + Self.auditedSteps)
            try repeatStep(because: "\(error.finding), and this process computes finite numbers", error: error)
        }
    }

    /// Steps that are audited after a wrong result of which it is not known who computed it.
    private static let auditedSteps: UInt64 = 100

    /// Continues the run after a fault of the memory, from the newest checkpoint. The workers that answered the data check had
    /// intact data sets when it was saved.
    ///
    /// - Throws: ``TrainingError/memoryFault(_:)`` if that has been tried too often, or there is no state to go back to.
    func recover(from fault: MemoryFault) throws {
        guard rewindLimit.allows(fault) else { throw TrainingError.memoryFault(fault) }
        if fault.part == .dataset, fault.worker == nil { try dependencies.dataCheck?.repair() }
        try rewind(because: "\(fault)", orThrow: .memoryFault(fault))
    }

    private func repeatStep(
        because reason: String, excludingWorkerOf node: NodeID? = nil, isRewound: Bool = false, error: NonFiniteError
    ) throws {
        let step = parameters.version
        let isUntouched = self.step.optimizer.stateBuffers.isEmpty || !self.step.memory.hasUpdates
        let isRepeatable = isUntouched && !isRewound
        try source.abandonStep(isRewound: !isRepeatable)
        if let node { try source.excludeWorker(of: node, inStep: step) }
        doubtful = DoubtfulStep(step: step, isUnderWay: isRepeatable, error: error)
        guard isRepeatable else { return try rewind(because: reason, orThrow: .notFinite(error)) }
        resumeEpoch()
        counts.stepsRepeated += 1
        try report(Recovery(reason: reason))
    }

    /// Goes back to the newest state that is intact.
    ///
    /// - Throws: `error` if there is none.
    private func rewind(because reason: String, orThrow error: TrainingError) throws {
        let step = parameters.version
        try source.abandonStep(isRewound: true)
        guard let state = try earlierState() else { throw error }
        counts.rewinds += 1
        counts.stepsRepeated += Int(clamping: step + 1 - min(step, state.progress.step))
        try restore(state)
        try report(Recovery(reason: reason, rewoundTo: state.progress))
    }

    /// Continues the epoch's time after a pause.
    private func resumeEpoch() {
        progress.epochSeconds = epochSeconds
        epochStart = .now
    }

    /// The newest state that the run can go back to: a checkpoint, or what it started from.
    private func earlierState() throws -> TrainingState? {
        if let state = try? dependencies.checkpoints?.newest(), state.progress.step <= parameters.version {
            return state
        }
        if let resumed { return resumed }
        guard let initialWeights = dependencies.initialWeights else { return nil }
        let weights = FloatBuffer(count: parameters.current.count)
        try initialWeights(weights)
        var progress = TrainingProgress()
        progress.optimizerScalars = initialScalars
        return TrainingState(
            progress: progress, parameters: weights,
            optimizer: step.optimizer.stateBuffers.map { ($0.name, FloatBuffer(count: $0.buffer.count)) })
    }

    /// Goes back to an earlier state.
    private func restore(_ state: TrainingState) throws {
        try step.optimizer.restore(state)
        parameters.restore(state.parameters, version: state.progress.step)
        progress = state.progress
        followEvaluations()
        // The optimizer begins the step anew.
        doubtful?.isUnderWay = false
        lastState = state.progress.step
        epochStart = .now
        step.relyOnMemory(parameters)
    }

    private func report(_ recovery: Recovery) throws {
        for observer in dependencies.observers { try observer.runDidRecover(recovery) }
    }
}

/// How often a run goes back after faults of the memory: a run that gets no further must end.
///
/// A fault of this process's memory is likely to come again. A fault of a worker's memory ends the worker, and a host with
/// several of them is excluded, so faults of different hosts are allowed.
struct RewindLimit {
    private static let maximum = (own: 3, workers: 100)

    /// Faults at the furthest step or before it.
    private var counts = (own: 0, workers: 0)
    private var furthest: UInt64 = 0

    /// Whether the run may go back after this fault.
    mutating func allows(_ fault: MemoryFault) -> Bool {
        if fault.step > furthest { (counts, furthest) = ((0, 0), fault.step) }
        if fault.worker == nil { counts.own += 1 } else { counts.workers += 1 }
        return counts.own <= Self.maximum.own && counts.workers <= Self.maximum.workers
    }
}

extension NonFiniteResult {
    fileprivate var quantity: NonFiniteError.Quantity {
        switch self {
        case .loss: .loss
        case .weights: .gradient
        }
    }
}
