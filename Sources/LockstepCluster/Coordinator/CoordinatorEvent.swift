package import LockstepCostModel
package import LockstepProtocol
package import LockstepSharding

/// What can happen to a coordinator.
package enum CoordinatorEvent: Sendable {
    /// A peer asks to join the run.
    case hello(PeerID, Hello)
    /// A member has the data set and shows its fingerprint. One that shares the coordinator's memory finds the weights
    /// there and is sent none.
    case ready(PeerID, MemberID, Ready, sharesMemory: Bool = false)
    /// A member asks for a piece of the data set.
    case dataRequested(PeerID, MemberID, offset: UInt64, count: Int)
    /// The first chunk of a member's gradient of a node has come: it has computed, and the rest is on its way.
    case answering(PeerID, MemberID, WorkItem)
    /// A member has answered an item; its payload has been taken.
    case answered(PeerID, MemberID, WorkItem)
    /// A member leaves of its own accord.
    case goodbye(PeerID, MemberID, Goodbye)
    /// A peer has spoken as somebody it is not: an unknown member, or one of another run.
    case stranger(PeerID)
    /// A peer's connection has ended, or it has broken the protocol.
    case peerLost(PeerID, reason: String)
    /// The trainer starts a step; the weights of its version are final.
    case beginStep(UInt64, SummationTree, isAudited: Bool)
    /// The trainer evaluates the weights of `version`, which are final, in these blocks.
    case beginEvaluation(version: UInt64, blocks: [UInt32])
    /// An evaluation is complete.
    case evaluated
    /// What a step takes with 0, 1, ... workers, by the cost model; 0: the coordinator computes alone.
    case predicted(seconds: [Double])
    /// A chunk of the next step's weights is final.
    case chunkUpdated(version: UInt64, chunk: Int)
    /// Two copies of an audited node have been compared; equal ones have been handed on.
    case compared(WorkItem, areEqual: Bool)
    /// The coordinator has computed an audited node itself and handed its own answer on; these copies differ from it.
    case recomputed(WorkItem, wrong: [MemberID])
    /// Messages lie unread that the loop has had no time for, or no longer do. Meanwhile the clock stands still: a
    /// member whose answer is among them has not been silent.
    case inputBacklog(Bool)
    /// The run is over.
    case stop(Goodbye)
    /// Time has passed.
    case tick
}

/// What a coordinator's loop is to do, in this order.
package enum CoordinatorAction: Equatable, Sendable {
    case welcome(PeerID, MemberID)
    case refuse(PeerID, Refusal)
    case sendData(PeerID, MemberID, offset: UInt64, count: Int)
    case sendParameters(PeerID, MemberID, version: UInt64, chunk: Int)
    case assign(PeerID, MemberID, WorkItem)
    /// Compare two members' copies of an audited node; hand them on if they are equal, and say so: `compared`.
    case compare(WorkItem, MemberID, MemberID)
    /// Compute an audited node, hand the answer on, compare it with these members' copies, and say so: `recomputed`.
    case recompute(WorkItem, copies: [MemberID])
    /// Compute a node or a block here and take the answer; the machine counts it as answered already.
    case computeHere(WorkItem)
    case dismiss(PeerID, MemberID, Goodbye)
    case notify(ClusterNotice)
    case fail(ClusterFailure)
}

/// News of the membership, for people.
package enum ClusterNotice: Hashable, Sendable {
    case joined(MemberInfo, active: Int)
    /// A worker whose numeric kernel differs takes part all the same.
    case joinedWithOtherBits(MemberInfo, kernel: String, active: Int)
    case left(MemberInfo, Goodbye, active: Int)
    case lost(MemberInfo, reason: String, shardsReassigned: Int, active: Int)
    case refused(host: String?, Refusal)
    /// A message has come over a member's connection that was said as somebody else, of this run or (nil) of another, and
    /// is dropped: an old one that was kept and sent again.
    case outdated(MemberInfo, saidAs: MemberID?)
    /// A connection was not let in, before it could say anything.
    case turnedAway(String)
    /// There is no memory to share with workers of this host: all payload travels in messages.
    case memoryUnshared(reason: String)
    /// A worker of this host is sent its payload in messages, for memory cannot be shared with it.
    case payloadInline(MemberID, reason: String)
    /// The record of events cannot be written any further.
    case recordBroken(reason: String)
    /// What a step will take.
    case prediction(StepPrediction)
    /// How many workers compute from now on.
    case workerCount(WorkerCountChoice)
    /// Idle workers have often had to compute a worker's nodes too. Seconds are for one sample.
    case slow(MemberInfo, seconds: Double, median: Double, times: Int)
    /// An audit has found that a worker computes other bits than it should.
    case quarantined(MemberInfo, step: UInt64, node: UInt32, active: Int)
    /// The last worker has gone.
    case waiting(seconds: Double)
    /// A worker that was started here has died, and another one starts after a pause.
    case replacing(place: Int, seconds: Double, count: Int, limit: Int?)
    /// A worker that was started here has died, and all replacements are used up.
    case notReplaced(place: Int, limit: Int)
}

extension ClusterNotice {
    /// The worker that is no longer a member.
    package var removedWorker: MemberInfo? {
        switch self {
        case .lost(let member, _, _, _), .left(let member, _, _), .quarantined(let member, _, _, _): member
        default: nil
        }
    }
}

/// Why a coordinator gives up.
package enum ClusterFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case tooFewWorkers(joined: Int, needed: Int, seconds: Double)
    case noWorkersLeft(seconds: Double)

    package var description: String {
        switch self {
        case .tooFewWorkers(let joined, let needed, let seconds):
            "\(joined) of \(needed) workers joined within \(Int(seconds)) s; start the others in time, or set a "
                + "longer timeouts.start"
        case .noWorkersLeft(let seconds):
            "the last worker has gone and none came back within \(Int(seconds)) s (timeouts.rejoin)"
        }
    }
}
