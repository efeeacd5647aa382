package import LockstepSharding

/// One mini-batch; every process of a run derives it from the step's number.
package struct Batch {
    /// Counted from 0 over the whole run; also the version of the weights that the step starts from.
    package var step: UInt64
    package var epoch: Int
    /// The position of the mini-batch in its epoch.
    package var index: Int
    package var tree: SummationTree

    package init(step: UInt64, schedule: BatchSchedule) {
        self.step = step
        self.epoch = schedule.epoch(ofStep: step)
        self.index = schedule.index(ofStep: step)
        self.tree = schedule.tree(ofBatch: index)
    }

    /// Samples of the mini-batch, m.
    package var count: Int { tree.samples }
}

/// A part of the result for one tree node.
package enum PartialResult {
    /// A chunk of the node's gradient sum; `isStable`: the floats stay unchanged until the step ends.
    case gradient(NodeID, chunk: Int, UnsafePointer<Float>, isStable: Bool)
    /// The sum of the losses of the node's samples.
    case lossSum(NodeID, Double)
    /// Two processes have computed different results of the node. Before one of them is blamed, the receiver checks the memory
    /// that both have read, and throws ``MemoryFault`` if it has changed.
    case mismatch(NodeID)
}

/// The last process that computes for a source has gone; the source is about to wait for another one. The caller saves
/// the run first, and then asks again.
package struct WorkersGone: Error {
    package init() {}
}

/// Computes the gradients of a mini-batch: this process, or workers.
package protocol GradientSource: AnyObject {
    /// Processes that compute now; 0 if the coordinator computes alone while its workers wait.
    var workers: Int { get }
    /// Processes that are ready to compute.
    var membersPresent: Int { get }

    /// Pushes the results of nodes that together cover the mini-batch, each of their chunks at least once, and returns
    /// once all are complete.
    ///
    /// - Parameters:
    ///   - batch: The mini-batch.
    ///   - parameters: Its weights are the current version.
    ///   - push: Called with each partial result.
    /// - Throws: Why the results are not complete, and the errors of `push`; ``MemoryFault`` if earlier results may be wrong;
    ///   ``WorkersGone`` once for every time that the last worker goes.
    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws

    /// Publishes a chunk of the next weights, which is final.
    func publish(version: UInt64, chunk: Int) throws

    /// Runs splits, or parts of them, through the network with the current weights.
    ///
    /// - Parameters:
    ///   - parts: What is scored.
    ///   - parameters: The weights are the current version.
    ///   - shouldStop: Asked before each block; true ends the evaluation, and stays true.
    /// - Returns: A score for each part; its blocks are added in their order. Nil if the evaluation was ended early.
    /// - Throws: As ``gradients(of:parameters:push:)`` does.
    func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]?

    /// Whether each node of a step is computed twice and compared.
    func isAudited(step: UInt64) -> Bool

    /// What happened to the workers since this process started.
    var membership: MembershipCounts { get }

    /// The worker that computed a node of the current step, as an error names it; nil if this process did.
    func workerName(of node: NodeID) -> String?

    /// Has the workers that keep the data set in memory of their own read it again. A worker that does not answer within a
    /// deadline does not hold up the run.
    ///
    /// - Parameter step: The version of the weights.
    /// - Throws: ``MemoryFault`` that names the worker whose data set has changed: its results may be wrong.
    ///   ``gradients(of:parameters:push:)`` and ``evaluate(_:parameters:shouldStop:)`` throw it too, because a worker may
    ///   report the change by itself. All three throw it until ``abandonStep(isRewound:)`` is called with true.
    func verifyData(step: UInt64) throws

    // MARK: - Repeating steps

    /// Ends the step under way, whose results are not used.
    ///
    /// - Parameter isRewound: Whether earlier steps follow: then the call returns once no worker computes any more.
    /// - Throws: Why the run ends.
    func abandonStep(isRewound: Bool) throws
    /// Excludes the worker that computed a node of the current step: this process has found that its result is wrong.
    func excludeWorker(of node: NodeID, inStep step: UInt64) throws
    /// Has each node of all steps up to this one computed twice and compared, from now on.
    ///
    /// - Returns: Whether workers compute, so that this finds which of them computes wrong numbers.
    func auditSteps(through step: UInt64) -> Bool
}

/// For a source without workers.
extension GradientSource {
    package func isAudited(step: UInt64) -> Bool { false }
    package func verifyData(step: UInt64) {}
    package func abandonStep(isRewound: Bool) {}
    package func excludeWorker(of node: NodeID, inStep step: UInt64) {}
    package func auditSteps(through step: UInt64) -> Bool { false }
}
