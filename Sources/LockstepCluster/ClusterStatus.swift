import LockstepProtocol

/// A run as its coordinator sees it at one instant: what `lockstep status` asks for. Travels as JSON.
package struct ClusterStatus: Codable, Hashable, Sendable {
    /// What the run is doing.
    package enum Phase: String, Codable, Sendable {
        /// Waits for its first workers.
        case gathering
        case training
        case evaluating
        /// Has lost its last worker and waits for one.
        case waiting
        case ending
    }

    package struct Worker: Codable, Hashable, Sendable {
        package enum State: String, Codable, Sendable {
            /// Has been welcomed: fetches the data set, proves that it computes the same bits.
            case preparing
            /// Has answered everything that it was given.
            case idle
            /// Is not needed at present: fewer workers are faster.
            case resting
            case computing
        }

        package var member: UInt32
        package var host: String
        package var processID: UInt32
        package var state: State
        /// Nodes or blocks that it has not answered.
        package var outstanding: Int

        package init(member: UInt32, host: String, processID: UInt32, state: State, outstanding: Int) {
            self.member = member
            self.host = host
            self.processID = processID
            self.state = state
            self.outstanding = outstanding
        }
    }

    package var phase: Phase
    /// The step under way, or the version of the weights that are evaluated; absent before the first.
    package var step: UInt64?
    package var workers: [Worker]
    package var lost: Int
    package var joined: Int
    package var shardsReassigned: Int

    package init(
        phase: Phase, step: UInt64?, workers: [Worker], lost: Int, joined: Int, shardsReassigned: Int
    ) {
        self.phase = phase
        self.step = step
        self.workers = workers
        self.lost = lost
        self.joined = joined
        self.shardsReassigned = shardsReassigned
    }
}

extension CoordinatorMachine {
    /// What there is to tell now.
    package var status: ClusterStatus {
        ClusterStatus(
            phase: statusPhase, step: round?.step, workers: members.map { describe($0) }, lost: counts.lost,
            joined: counts.joined, shardsReassigned: counts.shardsReassigned)
    }

    private var statusPhase: ClusterStatus.Phase {
        switch phase {
        case .gathering: .gathering
        case .running(let waitingUntil):
            waitingUntil != nil ? .waiting : round?.kind == .block ? .evaluating : .training
        case .ended: .ending
        }
    }

    private func describe(_ member: Member) -> ClusterStatus.Worker {
        ClusterStatus.Worker(
            member: member.id.rawValue, host: member.hello.host, processID: member.hello.processID,
            state: state(of: member),
            outstanding: member.outstanding.count)
    }

    private func state(of member: Member) -> ClusterStatus.Worker.State {
        if !member.isActive { return .preparing }
        if !member.outstanding.isEmpty { return .computing }
        return coordinatorComputesAlone || member.isInReserve ? .resting : .idle
    }
}
