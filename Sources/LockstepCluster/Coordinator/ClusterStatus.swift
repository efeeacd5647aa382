/// The state of a run, for `lockstep status`. The coordinator sends it as JSON: keys and values are part of the
/// protocol.
package struct ClusterStatus: Codable, Hashable, Sendable {
    /// What the run is doing.
    package enum Phase: String, Codable, Sendable {
        /// Waits for its first workers.
        case gathering
        case training
        case evaluating
        /// Has no worker and waits for one.
        case waiting
        case ending
    }

    package struct Worker: Codable, Hashable, Sendable {
        package enum State: String, Codable, Sendable {
            /// Has been welcomed; fetches the data set and computes its fingerprint.
            case preparing
            /// Has answered every item.
            case idle
            /// Gets no work, because fewer workers are faster now.
            case standby = "resting"
            case computing
        }

        package var member: UInt32
        package var host: String
        package var processID: UInt32
        package var state: State
        /// Work items that it has not answered.
        package var outstanding: Int
        /// The processes that compute for it; absent if it computes itself.
        package var processes: Int?

        package init(
            member: UInt32, host: String, processID: UInt32, state: State, outstanding: Int, processes: Int? = nil
        ) {
            self.processes = processes
            self.member = member
            self.host = host
            self.processID = processID
            self.state = state
            self.outstanding = outstanding
        }
    }

    package var phase: Phase
    /// The step under way, or the version of the weights under evaluation; absent before the first step.
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
