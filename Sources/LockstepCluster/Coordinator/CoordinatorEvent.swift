package import LockstepCostModel
package import LockstepProtocol
package import LockstepSharding

/// An input of the coordinator's machine.
package enum CoordinatorEvent: Sendable {
    /// A peer asks to join the run.
    case hello(PeerID, Hello)
    /// A member has the data set and shows its fingerprint. A member that shares the coordinator's memory reads the weights
    /// there and is sent none.
    case ready(PeerID, MemberID, Ready, sharesMemory: Bool = false)
    /// A member asks for a piece of the data set.
    case dataRequested(PeerID, MemberID, offset: UInt64, count: Int)
    /// The first chunk of a member's gradient has come: the member has computed the item, and the rest is on its way.
    case answering(PeerID, MemberID, WorkItem)
    /// A member has answered an item; the caller has processed the payload.
    case answered(PeerID, MemberID, WorkItem)
    /// A member leaves of its own accord.
    case goodbye(PeerID, MemberID, Goodbye)
    /// A peer has sent a message with another run's number.
    case stranger(PeerID)
    /// A peer's connection has ended, or it has broken the protocol.
    case peerLost(PeerID, reason: String)
    /// The trainer begins a step; the weights of its version are final.
    case beginStep(UInt64, SummationTree, isAudited: Bool)
    /// The trainer evaluates the weights of `version`, which are final, in these blocks.
    case beginEvaluation(version: UInt64, blocks: [UInt32])
    /// An evaluation is complete.
    case evaluated
    /// The seconds of a step with 0, 1, ... workers, by the cost model; 0: the coordinator computes alone.
    case predicted(seconds: [Double])
    /// A chunk of the next step's weights is final.
    case chunkUpdated(version: UInt64, chunk: Int)
    /// Two copies of an audited tree node have been compared; equal copies have been passed to the reducer.
    case compared(WorkItem, areEqual: Bool)
    /// The coordinator has computed an audited tree node itself and passed its own answer to the reducer; these members'
    /// copies differ from it.
    case recomputed(WorkItem, wrong: [MemberID])
    /// Whether messages wait to be read. While they do the clock stands still: a member whose answer is among them has not
    /// been silent.
    case inputBacklog(Bool)
    /// The run is over.
    case stop(Goodbye)
    /// Time has passed.
    case tick
}

/// An output of the coordinator's machine. The loop around it carries actions out in their order.
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
    case dismiss(PeerID, MemberID, Goodbye)
    case notify(ClusterNotice)
    case fail(ClusterFailure)
}

/// News of the cluster, for people.
package enum ClusterNotice: Hashable, Sendable {
    case joined(MemberInfo, active: Int)
    /// A worker takes part although its numeric kernel differs.
    case joinedWithOtherBits(MemberInfo, kernel: String, active: Int)
    case left(MemberInfo, Goodbye, active: Int)
    case lost(MemberInfo, reason: String, shardsReassigned: Int, active: Int)
    case refused(host: String?, Refusal)
    /// A message that came over a member's connection under another identity is dropped: an old message that was sent
    /// again. The identity is another member of this run, or (nil) of another run.
    case outdated(MemberInfo, sentAs: MemberID?)
    /// A connection was rejected before its first message.
    case connectionRejected(String)
    /// No memory can be shared with workers of this host: all payload travels in messages.
    case memoryUnshared(reason: String)
    /// The payload of a worker of this host travels in messages: memory cannot be shared with it.
    case payloadInline(MemberID, reason: String)
    /// The record of events cannot be continued.
    case recordBroken(reason: String)
    /// The expected time of a step.
    case prediction(StepPrediction)
    /// The number of workers that compute from now on.
    case workerCount(WorkerCountChoice)
    /// A worker straggles often: idle workers were given its tree nodes too. Seconds are for one sample.
    case slow(MemberInfo, seconds: Double, median: Double, times: Int)
    /// An audit has found that a worker computes wrong bits.
    case quarantined(MemberInfo, step: UInt64, node: UInt32, active: Int)
    /// The last worker has gone.
    case waiting(seconds: Double)
    /// A worker process that was started here has died; another one starts after a pause.
    case replacing(place: Int, seconds: Double, count: Int, limit: Int?)
    /// A worker process that was started here has died, and all restarts are used up.
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

/// Why a run fails.
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
