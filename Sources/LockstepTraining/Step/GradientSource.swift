package import LockstepData
package import LockstepSharding

/// One mini-batch, as every process of a run can derive it from the step's number.
package struct Batch {
    /// Counted from 0 over the whole run; also the version of the weights that the step starts from.
    package var step: UInt64
    package var epoch: Int
    /// The mini-batch's place in its epoch.
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

/// Part of a node's answer.
package enum PartialResult {
    /// A chunk of the node's gradient sum; `isStable` says that the floats stay as they are until the step ends.
    case gradient(NodeID, chunk: Int, UnsafePointer<Float>, isStable: Bool)
    /// The sum of the costs of the node's samples.
    case lossSum(NodeID, Double)
}

/// Whoever computes a mini-batch's gradients: this process, or workers.
package protocol GradientSource: AnyObject {
    /// Processes that compute at present; 0: of a coordinator and workers the coordinator alone.
    var workers: Int { get }
    /// Processes that are there to compute.
    var membersPresent: Int { get }

    /// Pushes the answers of nodes that together cover the mini-batch, each of their chunks at least once; returns
    /// when the whole is in.
    ///
    /// - Parameters:
    ///   - batch: The mini-batch.
    ///   - parameters: Its weights are the current version.
    ///   - push: Called with each result.
    /// - Throws: Why the whole could not be had; what `push` throws.
    func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws

    /// Tells that a chunk of the next weights is final.
    func publish(version: UInt64, chunk: Int) throws

    /// Runs the splits through the network with the current weights.
    ///
    /// - Returns: A score for each split, its blocks added up in their order.
    func evaluate(_ splits: [Split], parameters: VersionedParameters) throws -> [SplitScore]

    /// What has happened to the membership since this process began.
    var membership: MembershipCounts { get }

    /// Who gave the answer for a node of the step under way, in words for an error; nil for this process itself.
    func workerName(of node: NodeID) -> String?
}

/// What a run's summary tells about its workers.
package struct MembershipCounts: Hashable, Sendable {
    package var lost = 0
    package var joined = 0
    package var shardsReassigned = 0
    package var inlinePayloadBytes: UInt64 = 0
    package var isBitwiseReproducible = true
    /// Dead workers of this host that were replaced.
    package var restarts = 0
    /// Nodes and blocks of slow workers that an idle one was given too.
    package var duplicates = 0
    package var stepsAudited = 0
    /// Workers that an audit has shown to compute other bits.
    package var quarantined = 0

    package init() {}
}

extension MembershipCounts: Codable {
    /// Reads counts; those that an older version did not keep are zero.
    ///
    /// - Throws: `DecodingError`.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        lost = try values.decode(Int.self, forKey: .lost)
        joined = try values.decode(Int.self, forKey: .joined)
        shardsReassigned = try values.decode(Int.self, forKey: .shardsReassigned)
        inlinePayloadBytes = try values.decode(UInt64.self, forKey: .inlinePayloadBytes)
        isBitwiseReproducible = try values.decode(Bool.self, forKey: .isBitwiseReproducible)
        restarts = try values.decodeIfPresent(Int.self, forKey: .restarts) ?? 0
        duplicates = try values.decodeIfPresent(Int.self, forKey: .duplicates) ?? 0
        stepsAudited = try values.decodeIfPresent(Int.self, forKey: .stepsAudited) ?? 0
        quarantined = try values.decodeIfPresent(Int.self, forKey: .quarantined) ?? 0
    }
}
