import LockstepCluster
import LockstepCostModel
import LockstepProtocol
import LockstepText

extension WorkerNotice {
    /// The notice in a sentence.
    var text: String {
        switch self {
        case .joined(let member): "Joined the run as \(member)"
        case .fetchingData(let bytes):
            "Fetching the data set from the coordinator: \(grouped(Int(clamping: bytes))) bytes"
        case .runInterrupted(let message, let seconds):
            "The run is not finished (\(message)); waiting \(Int(seconds)) s for a coordinator that resumes it"
        case .lostCoordinator(let seconds): "Lost the coordinator; waiting \(Int(seconds)) s for it to come back"
        case .rejoining(let reason): "Joining again: \(reason)"
        case .runIsFull(let refusal, let seconds):
            "Refused: \(refusal.message); asking again for \(Int(seconds)) s"
        case .handshakesFailing(let endpoint, let hasKeys):
            "Every connection to \(endpoint) is closed at once: does the coordinator listen there, and does it "
                + (hasKeys ? "use keys, and is coordinator.public its key?" : "require keys (--keys DIR)?")
                + " Retrying"
        case .payloadInline(let reason): "Weights and gradients are sent in messages, not in shared memory: \(reason)"
        }
    }
}

extension ClusterNotice {
    /// The notice in a sentence.
    ///
    /// - Parameter ending: How the process of a lost local worker ended.
    /// - Returns: A sentence without its full stop.
    func text(ending: String?) -> String {
        switch self {
        case .joined(let member, let active):
            return "\(member) joined; \(counted(active, "worker"))"
        case .joinedWithOtherBits(let member, let kernel, let active):
            return "\(member) joined with kernel \(kernel), which computes other bits: the run is not bitwise "
                + "reproducible; \(counted(active, "worker"))"
        case .left(let member, let goodbye, let active):
            return "\(member) left: \(goodbye.message); \(counted(active, "worker"))"
        case .lost(let member, let reason, let shards, let active):
            let reassigned =
                shards == 0 ? "" : "; \(counted(shards, "shard")) \(shards == 1 ? "goes" : "go") to the others"
            return "\(member) was lost: \(ending ?? reason)\(reassigned); \(counted(active, "worker"))"
        case .notProved(let member, let reason, _):
            return "\(member) left before it had joined: \(ending ?? reason)"
        case .refused(let host, let refusal):
            return "refused a worker\(host.map { " on \($0)" } ?? ""): \(refusal.message)"
        case .outdated(let member, let speaker):
            return "dropped a message from \(member) that carries the ID of "
                + (speaker.map { "\($0)" } ?? "a worker of another run")
        case .connectionRejected(let text):
            return text
        case .memoryUnshared(let reason):
            return "weights and gradients are sent in messages, not in shared memory: \(reason)"
        case .payloadInline(let member, let reason):
            return "weights and gradients of \(member) are sent in messages, not in shared memory: \(reason)"
        case .recordBroken(let reason):
            return "the record of events ends here: \(reason)"
        case .prediction(let prediction):
            return prediction.text
        case .workerCount(let choice):
            return choice.text
        case .waiting(let seconds):
            return "no workers are left; waiting \(Int(seconds)) s for one to join"
        case .slow(let member, let seconds, let median, let count):
            let ratio = median > 0 ? " (\(times(seconds / median, digits: 1)))" : ""
            return
                "\(member) is slow: over the last 64 steps it took \(microseconds(seconds)) µs a sample, the median is "
                + "\(microseconds(median)) µs\(ratio); idle workers have repeated its work \(counted(count, "time"))"
        case .quarantined(let member, let step, let node, let active):
            return
                "\(member) computed a wrong result for node \(node) of step \(step); it gets no more work; check its "
                + "memory and processor; \(counted(active, "worker"))"
        case .dataChanged(let member, let active, let isHostExcluded):
            let more = isHostExcluded ? "other workers of its host are refused from now on; " : ""
            return "the data set changed in the memory of \(member), which has left; check its host's memory and "
                + "processor; \(more)\(counted(active, "worker"))"
        case .replacing(let place, let seconds, let number, let limit):
            let of = limit.map { " of at most \($0)" } ?? ""
            return "worker process \(place) has ended; another one starts in \(decimal(seconds, 1)) s "
                + "(replacement \(number)\(of))"
        case .notReplaced(let place, let limit):
            return "worker process \(place) has ended and is not replaced: the run has used its "
                + "\(counted(limit, "replacement")) (--max-restarts)"
        }
    }

    /// Whether it needs attention.
    var isWarning: Bool {
        switch self {
        // Other programs that use the machine are no fault of the run: the forecast says so in its own line.
        case .joined, .left, .workerCount, .prediction: false
        case .joinedWithOtherBits, .lost, .notProved, .refused, .outdated, .connectionRejected, .memoryUnshared,
            .payloadInline, .waiting, .slow, .quarantined, .dataChanged, .replacing, .notReplaced, .recordBroken:
            true
        }
    }
}

extension WorkerCountChoice {
    /// The choice in a sentence.
    fileprivate var text: String {
        let start = isChange ? "The load of this machine has changed: now" : "Fastest:"
        let chosen = "\(start) \(processes.text), \(milliseconds(seconds)) a step"
        guard let alternative else { return chosen }
        let step = milliseconds(alternative.seconds)
        return "\(chosen); \(alternative.processes.text): "
            + (alternative.isMeasured ? step : "about \(step), as predicted")
    }
}

extension ComputingProcesses {
    /// The words for who computes.
    fileprivate var text: String {
        guard !isCoordinatorAlone else { return "the coordinator alone" }
        return (includesCoordinator ? "the coordinator and " : "") + counted(workers, "worker")
    }
}
