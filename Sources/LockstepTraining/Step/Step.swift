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

    /// - Parameters:
    ///   - source: Computes the gradients.
    ///   - reducer: Adds the gradients.
    ///   - optimizer: Computes new weights from the sum.
    ///   - threadPool: Threads that share the reduction and the update where cores are idle.
    ///   - timeline: Records the phases of this thread.
    package init(
        source: any GradientSource, reducer: Reducer, optimizer: any Optimizer, threadPool: ThreadPool? = nil,
        timeline: Timeline? = nil
    ) {
        self.update = ChunkUpdate(optimizer: optimizer, threadPool: threadPool)
        self.source = source
        self.reducer = reducer
        self.optimizer = optimizer
        self.timeline = timeline
    }

    /// Runs the step that `batch` describes.
    ///
    /// - Returns: The mini-batch's loss: the sum of its samples' costs under the weights before the update.
    /// - Throws: `NonFiniteResult` before the weights advance, and the errors of the source.
    package func run(_ batch: Batch, _ parameters: inout VersionedParameters) throws -> Double {
        timeline?.step = batch.step
        reducer.begin(batch.tree)
        optimizer.beginStep(batch.step, samples: batch.count)
        return try complete(batch, &parameters, from: source)
    }

    /// Runs the rest of a step; `source` may differ from the one that the step began with.
    func complete(
        _ batch: Batch, _ parameters: inout VersionedParameters, from source: any GradientSource
    ) throws -> Double {
        let (weights, version) = (parameters, parameters.version + 1)
        try source.gradients(of: batch, parameters: parameters) { result in
            let outer = timeline?.enter(.reduce)
            defer { if let outer { timeline?.enter(outer) } }
            switch result {
            case .gradient(let node, let chunk, let floats, let isStable):
                guard let sum = reducer.add(node, chunk: chunk, floats, isStable: isStable) else { return }
                timeline?.enter(.update)
                // A gradient in shared memory means that its worker is idle: its core is free for the update.
                guard update.run(sum, weights, coresAreIdle: isStable) else { throw NonFiniteResult(node: nil) }
                timeline?.enter(.broadcast)
                try source.publish(version: version, chunk: chunk)
            case .lossSum(let node, let lossSum):
                guard lossSum.isFinite else { throw NonFiniteResult(node: node) }
                reducer.add(node, lossSum: lossSum)
            }
        }
        guard let lossSum = reducer.lossSum, lossSum.isFinite else { throw NonFiniteResult(node: batch.tree.root) }
        parameters.advance()
        reducer.end()
        return lossSum
    }
}
