import LockstepNumerics
import LockstepSharding
package import LockstepSystem
package import LockstepTimeline

/// One step of synchronous data-parallel training:
/// shards -> gradients -> reduce -> update -> broadcast.
///
/// A single process and a cluster take the same step; only the source of the gradients differs.
package struct Step {
    let source: any GradientSource
    let reducer: Reducer
    let optimizer: any Optimizer
    /// Records the phases of this thread; nil if the run is not traced.
    let timeline: Timeline?
    private let update: ChunkUpdate
    private let clipping: GradientClipping?
    /// The norm of the step's gradient, where it limits the gradient.
    private var norm: GradientNorm
    /// Checks what the last step has left in memory.
    private(set) var memory = MemoryCheck()
    /// Whether the data set in memory is what was loaded; it is read for this, which takes milliseconds.
    var isDataIntact: () -> Bool = { true }

    /// - Parameters:
    ///   - source: Computes the gradients.
    ///   - reducer: Adds the gradients.
    ///   - optimizer: Computes new weights from the sum.
    ///   - clipping: How the gradient is limited; nil: it is not.
    ///   - threadPool: Threads that share the reduction and the update where cores are idle.
    ///   - timeline: Records the phases of this thread.
    package init(
        source: any GradientSource, reducer: Reducer, optimizer: any Optimizer, clipping: GradientClipping? = nil,
        threadPool: ThreadPool? = nil, timeline: Timeline? = nil
    ) {
        self.clipping = clipping
        self.norm = GradientNorm(chunks: reducer.layout.chunks.count)
        self.update = ChunkUpdate(optimizer: optimizer, threadPool: threadPool)
        self.source = source
        self.reducer = reducer
        self.optimizer = optimizer
        self.timeline = timeline
    }

    /// Runs the step that `batch` describes.
    ///
    /// - Parameters:
    ///   - batch: The mini-batch.
    ///   - parameters: The weights, which become those after the step.
    ///   - source: Computes the gradients; nil: the source of all steps.
    /// - Returns: The mini-batch's loss: the sum of its samples' costs under the weights before the update.
    /// - Throws: `NonFiniteResult` and ``MemoryFault`` before the weights advance, and the errors of the source.
    package mutating func run(
        _ batch: Batch, _ parameters: inout VersionedParameters, from source: (any GradientSource)? = nil
    ) throws -> Double {
        timeline?.step = batch.step
        begin(batch)
        optimizer.beginStep(batch.step, samples: batch.count)
        return try complete(batch, &parameters, from: source ?? self.source)
    }

    /// Runs a step once more from its beginning, after the optimizer has begun it; its memory must be untouched.
    mutating func repeatStep(
        _ batch: Batch, _ parameters: inout VersionedParameters, from source: any GradientSource
    ) throws -> Double {
        begin(batch)
        return try complete(batch, &parameters, from: source)
    }

    private mutating func begin(_ batch: Batch) {
        reducer.begin(batch.tree, verifiesMemory: source.isAudited(step: batch.step))
        memory.begin()
        norm.begin()
    }

    /// Runs the rest of a step; `source` may differ from the one that the step began with.
    mutating func complete(
        _ batch: Batch, _ parameters: inout VersionedParameters, from source: any GradientSource
    ) throws -> Double {
        let (weights, version) = (parameters, parameters.version + 1)
        try source.gradients(of: batch, parameters: parameters) { result in
            let outer = timeline?.enter(.reduce)
            defer { if let outer { timeline?.enter(outer) } }
            switch result {
            case .gradient(let node, let chunk, let floats, let isStable):
                guard let sum = reducer.add(node, chunk: chunk, floats, isStable: isStable) else { return }
                // A gradient in shared memory means that its worker is idle: its core is free for the update.
                if case .norm(let limit)? = clipping {
                    // The update comes later, and a fault that it finds is traced to the node by these floats.
                    if !isStable { reducer.hold(floats, of: node, chunk: chunk) }
                    try collect(sum, chunk: chunk, weights, coresAreIdle: isStable)
                    guard norm.isComplete else { return }
                    let factor = norm.factor(limit: limit, samples: batch.count)
                    try updateAll(weights, factor: factor, coresAreIdle: isStable) { chunk in
                        try source.publish(version: version, chunk: chunk)
                    }
                    return
                }
                timeline?.enter(.update)
                let check = update.run(sum, weights, limit: limit(samples: batch.count), coresAreIdle: isStable)
                memory.add(check)
                guard check.update.isFinite else {
                    if !isStable { reducer.hold(floats, of: node, chunk: chunk) }
                    throw NonFiniteResult.weights(chunk: chunk)
                }
                timeline?.enter(.broadcast)
                try source.publish(version: version, chunk: chunk)
            case .lossSum(let node, let lossSum):
                guard lossSum.isFinite else { throw NonFiniteResult.loss(node) }
                reducer.add(node, lossSum: lossSum)
            case .mismatch:
                try memory.verifyWeights(weights)
                guard isDataIntact() else { throw MemoryFault(.dataset, step: weights.version) }
            }
        }
        guard let lossSum = reducer.lossSum, lossSum.isFinite else { throw NonFiniteResult.loss(batch.tree.root) }
        guard reducer.verifyMemory() else { throw MemoryFault(.gradients, step: parameters.version) }
        try memory.end(step: parameters.version)
        parameters.advance()
        reducer.end()
        return lossSum
    }

    // MARK: - Clipping

    /// What limits the elements of a sum by themselves.
    private func limit(samples: Int) -> ChunkUpdate.Limit? {
        guard case .value(let limit)? = clipping else { return nil }
        return .magnitude(Float(limit * Double(samples)))
    }

    /// Keeps the sum of a chunk until the norm of the whole gradient is known.
    private mutating func collect(
        _ sum: ChunkSum, chunk: Int, _ weights: VersionedParameters, coresAreIdle: Bool
    ) throws(NonFiniteResult) {
        let squares = update.collect(sum, weights, coresAreIdle: coresAreIdle)
        // The square of any float32 is far from overflow in double.
        guard squares.isFinite else { throw .weights(chunk: chunk) }
        norm.add(squares, chunk: chunk)
    }

    /// Updates all chunks, whose sums lie in the memory of the next weights.
    private mutating func updateAll(
        _ weights: VersionedParameters, factor: Double, coresAreIdle: Bool, publish: (Int) throws -> Void
    ) throws {
        let limit = factor < 1 ? ChunkUpdate.Limit.factor(Float(factor)) : nil
        for chunk in reducer.layout.chunks.indices {
            timeline?.enter(.update)
            let range = reducer.layout.chunks[chunk].range
            let sum = ChunkSum(range: range, augend: weights.next.pointer + range.lowerBound, addend: nil)
            let check = update.run(sum, weights, limit: limit, coresAreIdle: coresAreIdle)
            memory.add(check)
            guard check.update.isFinite else { throw NonFiniteResult.weights(chunk: chunk) }
            timeline?.enter(.broadcast)
            try publish(chunk)
        }
    }

    // MARK: - Between two steps

    /// Reads the memory that the next step starts from, and relies on it from now on.
    package mutating func relyOnMemory(_ parameters: VersionedParameters) {
        memory.read(parameters, optimizer)
    }

    /// The sums of the bits of the weights and of the optimizer's memory that the next step starts from; nil: unknown.
    var memorySums: BitSums? { memory.sums }

    /// Reads the memory that the next step starts from, and compares it with what the last step wrote.
    ///
    /// - Throws: The fault.
    func verifyMemory(_ parameters: VersionedParameters) throws(MemoryFault) {
        try memory.verify(parameters, optimizer)
    }
}
