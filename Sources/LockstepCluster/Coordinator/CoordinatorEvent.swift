package import LockstepCostModel
package import LockstepProtocol
package import LockstepSharding

/// An input of the coordinator's machine.
package enum CoordinatorEvent: Sendable {
    /// A peer asks to join the run.
    case hello(PeerID, Hello)
    /// A member has the data set and sends its fingerprint. A member that shares memory reads the weights there, so it
    /// is sent none.
    case ready(PeerID, MemberID, Ready, sharesMemory: Bool = false)
    /// A member requests a part of the data set.
    case dataRequested(PeerID, MemberID, offset: UInt64, count: Int)
    /// The first chunk of a member's gradient has arrived. The member has computed the item, and the rest will follow.
    case answering(PeerID, MemberID, WorkItem)
    /// A member has answered an item; the caller has processed the payload.
    case answered(PeerID, MemberID, WorkItem)
    /// A member leaves the run.
    case goodbye(PeerID, MemberID, Goodbye)
    /// Payload moves over a peer's connection, so many bytes a second. A version of the weights has `gradientBytes`.
    case transferring(PeerID, bytesPerSecond: UInt64, gradientBytes: UInt64)
    /// A peer has sent a message of another run.
    case messageOfOtherRun(PeerID)
    /// A peer's connection has ended, or it has broken the protocol.
    case peerLost(PeerID, reason: String)
    /// The trainer begins a step; the weights of its version are final.
    case beginStep(UInt64, SummationTree, isAudited: Bool)
    /// The coordinator above has assigned these nodes of a step: their sums are wanted, and no others.
    case beginNodes(UInt64, SummationTree, [NodeID], isAudited: Bool)
    /// The coordinator above has assigned these blocks. They belong to the evaluation under way, or begin another one.
    case addBlocks(version: UInt64, [UInt32])
    /// The trainer evaluates the weights of `version` in these blocks. The weights are final.
    case beginEvaluation(version: UInt64, blocks: [UInt32])
    /// An evaluation is complete.
    case evaluated
    /// The cost model predicts these seconds for a step with 0, 1, ... workers, and with the coordinator beside 1, 2, ...
    /// workers. With 0 the coordinator computes alone.
    case predicted(seconds: [Double], withCoordinator: [Double] = [])
    /// A chunk of the next step's weights is final.
    case chunkUpdated(version: UInt64, chunk: Int)
    /// The loop has compared two copies of an audited tree node, and has passed equal copies to the reducer.
    case compared(WorkItem, areEqual: Bool)
    /// The coordinator has computed an audited tree node and passed its own answer to the reducer. The copies of the
    /// members in `wrong` differ from that answer.
    case recomputed(WorkItem, wrong: [MemberID])
    /// The coordinator has computed a tree node of its own share of a step, and has passed it to the reducer.
    case computed(WorkItem)
    /// The step under way ends here and is computed elsewhere, or an earlier one follows: its answers are not wanted, and what
    /// members hold of the weights is void.
    case abandoned
    /// The coordinator has computed an item itself, and this member's answer differs from it.
    case refuted(WorkItem, MemberID)
    /// Whether received messages wait to be read. While they do, the clock stands still: one of them may be the answer
    /// of a member whose deadline would pass.
    case inputBacklog(Bool)
    /// The run is over.
    case stop(Goodbye)
    /// Time has passed.
    case tick
}

/// An output of the coordinator's machine. The loop carries the actions out in order.
package enum CoordinatorAction: Equatable, Sendable {
    case welcome(PeerID, MemberID)
    case refuse(PeerID, Refusal)
    case sendData(PeerID, MemberID, offset: UInt64, count: Int)
    case sendParameters(PeerID, MemberID, version: UInt64, chunk: Int)
    case assign(PeerID, MemberID, WorkItem)
    /// Compare two members' copies of an audited tree node, pass one to the reducer if they are equal, and report
    /// ``CoordinatorEvent/compared(_:areEqual:)``.
    case compare(WorkItem, MemberID, MemberID)
    /// Compute an audited tree node, pass the answer to the reducer, compare it with these members' copies, and report
    /// ``CoordinatorEvent/recomputed(_:wrong:)``.
    case recompute(WorkItem, copies: [MemberID])
    /// Compute an item in the coordinator; the machine counts it as answered already.
    case computeHere(WorkItem)
    /// Compute a tree node of the coordinator's own share, pass it to the reducer, and report
    /// ``CoordinatorEvent/computed(_:)``.
    case computeShare(WorkItem)
    case dismiss(PeerID, MemberID, Goodbye)
    case notify(ClusterNotice)
    case fail(ClusterFailure)
}

/// What happens in a cluster, for people.
package enum ClusterNotice: Hashable, Sendable {
    case joined(MemberInfo, active: Int)
    /// A worker joined although its kernel computes other bits.
    case joinedWithOtherBits(MemberInfo, kernel: String, active: Int)
    case left(MemberInfo, Goodbye, active: Int)
    case lost(MemberInfo, reason: String, shardsReassigned: Int, active: Int)
    /// A peer that was welcomed has gone, or taken too long, before it proved itself: it never took part.
    case notProved(MemberInfo, reason: String, saidGoodbye: Bool)
    case refused(host: String?, Refusal)
    /// The coordinator dropped a message that arrived over a member's connection with another member ID, or (nil) with
    /// another run's ID. Such a message is old and was sent again.
    case outdated(MemberInfo, sentAs: MemberID?)
    /// The coordinator rejected or cut a connection.
    case connectionRejected(String)
    /// The coordinator cannot share memory with workers on its host: all payload is sent in messages.
    case memoryUnshared(reason: String)
    /// The coordinator cannot share memory with one worker on its host: this worker's payload is sent in messages.
    case payloadInline(MemberID, reason: String)
    /// The record of events cannot be continued.
    case recordBroken(reason: String)
    /// The expected time of a step.
    case prediction(StepPrediction)
    /// The processes that compute from now on.
    case workerCount(WorkerCountChoice)
    /// A worker straggles often: idle workers got its tree nodes too. Seconds are for one sample.
    case slow(MemberInfo, seconds: Double, median: Double, times: Int)
    /// A worker's answer was wrong, as an audit or the coordinator's own computation has shown.
    case quarantined(MemberInfo, step: UInt64, node: UInt32, active: Int)
    /// The data set has changed in the memory of a worker, which has left: its answers since the data set was intact may be
    /// wrong. `isHostExcluded`: other workers of its host are refused from now on.
    case dataChanged(MemberInfo, active: Int, isHostExcluded: Bool)
    /// The last worker has gone.
    case waiting(seconds: Double)
    /// A local worker process has died, or computed wrong results alone; another one starts after a pause.
    case replacing(place: Int, seconds: Double, count: Int, limit: Int?)
    /// A local worker process has died, and all restarts are used up.
    case notReplaced(place: Int, limit: Int)
}

extension ClusterNotice {
    /// Whether the run may soon be without workers: what has been computed is to be saved at once.
    package var callsForCheckpoint: Bool {
        switch self {
        case .left(_, let goodbye, _): goodbye.code == .stopping
        case .waiting: true
        default: false
        }
    }

    /// The worker whose membership has ended; nil for other notices.
    package var removedWorker: MemberInfo? {
        switch self {
        case .lost(let member, _, _, _), .left(let member, _, _), .quarantined(let member, _, _, _),
            .dataChanged(let member, _, _), .notProved(let member, _, _):
            member
        default: nil
        }
    }
}

/// Why a run fails.
package enum ClusterFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewWorkers(joined: Int, needed: Int, seconds: Double)
    case noWorkersLeft(seconds: Double)
    /// The last worker was refused for its link, and no other came.
    case linkTooSlow(reason: String, seconds: Double)

    package var description: String {
        switch self {
        case .tooFewWorkers(let joined, let needed, let seconds):
            "\(joined) of \(needed) workers joined within \(Int(seconds)) s; start the others in time, or set a "
                + "longer timeouts.start"
        case .noWorkersLeft(let seconds):
            "the last worker has gone and none came back within \(Int(seconds)) s (timeouts.rejoin)"
        case .linkTooSlow(let reason, let seconds):
            "the last worker has gone and none came back within \(Int(seconds)) s (timeouts.rejoin); \(reason)"
        }
    }
}
