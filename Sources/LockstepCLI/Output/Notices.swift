import LockstepCluster
import LockstepCostModel
import LockstepProtocol

extension WorkerNotice {
    /// The news in a sentence.
    var text: String {
        switch self {
        case .joined(let member): "Joined the run as \(member)"
        case .fetchingData(let bytes): "Fetching the data set from the coordinator: \(grouped(Int(bytes))) bytes"
        case .lostCoordinator(let seconds): "Lost the coordinator; waiting \(Int(seconds)) s for it to come back"
        case .rejoining(let reason): "Joining anew: \(reason)"
        case .brokenOff(let endpoint):
            "What listens at \(endpoint) breaks every connection off: is it the coordinator, and is coordinator.public "
                + "the key of this one? Trying on"
        case .payloadInline(let reason): "Payload travels in messages, not in shared memory: \(reason)"
        }
    }
}

extension ClusterNotice {
    /// The news in a sentence, with how the process of a lost worker ended if it was started here.
    func text(ending: String?) -> String {
        switch self {
        case .joined(let member, let active):
            return "\(member) joined; \(count(active))"
        case .joinedWithOtherBits(let member, let kernel, let active):
            return "\(member) joined with kernel \(kernel), which computes other bits: the run is not bitwise "
                + "reproducible; \(count(active))"
        case .left(let member, let goodbye, let active):
            return "\(member) left: \(goodbye.message); \(count(active))"
        case .lost(let member, let reason, let shards, let active):
            let cause = ending ?? reason
            let handed = shards == 0 ? "" : "; \(shards == 1 ? "1 shard goes" : "\(shards) shards go") to the others"
            return "\(member) was lost: \(cause)\(handed); \(count(active))"
        case .refused(let host, let refusal):
            return "refused a worker\(host.map { " on \($0)" } ?? ""): \(refusal.message)"
        case .outdated(let member, let speaker):
            return "dropped a message on the connection of \(member) that is not of its present membership but "
                + "\(speaker.map { "\($0)'s" } ?? "of another run")"
        case .turnedAway(let text):
            return text
        case .memoryUnshared(let reason):
            return "payload travels in messages, not in shared memory: \(reason)"
        case .payloadInline(let member, let reason):
            return "\(member)'s payload travels in messages, not in shared memory: \(reason)"
        case .recordBroken(let reason):
            return "the record of events ends here: \(reason)"
        case .prediction(let prediction):
            return prediction.text
        case .workerCount(let choice):
            return choice.text
        case .waiting(let seconds):
            return "no workers are left; waiting \(Int(seconds)) s for one to join"
        case .slow(let member, let seconds, let median, let times):
            let ratio = median > 0 ? " (\(decimal(seconds / median, 1)) x)" : ""
            return "\(member) is slow: \(decimal(seconds * 1e6, 1)) µs a sample against a median of "
                + "\(decimal(median * 1e6, 1)) µs\(ratio) over the last 64 steps; idle workers have had to compute its "
                + "nodes too, \(times) times so far"
        case .quarantined(let member, let step, let node, let active):
            return "\(member) computed a wrong gradient for node \(node) of step \(step), as an audit shows; it is no "
                + "longer used; check its memory and processor; \(count(active))"
        case .replacing(let place, let seconds, let number, let limit):
            let of = limit.map { " of at most \($0)" } ?? ""
            return "worker process \(place) has died; another one starts in \(decimal(seconds, 1)) s "
                + "(replacement \(number)\(of))"
        case .notReplaced(let place, let limit):
            return "worker process \(place) has died and is not replaced: the run has had its \(limit) replacements "
                + "(--max-restarts)"
        }
    }

    /// Whether it is something to worry about.
    var isWarning: Bool {
        switch self {
        case .joined, .left, .prediction, .workerCount: false
        case .joinedWithOtherBits, .lost, .refused, .outdated, .turnedAway, .memoryUnshared, .payloadInline, .waiting,
            .slow,
            .quarantined, .replacing, .notReplaced, .recordBroken:
            true
        }
    }

    private func count(_ workers: Int) -> String {
        workers == 1 ? "1 worker" : "\(workers) workers"
    }
}

extension WorkerCountChoice {
    /// The choice in a sentence.
    fileprivate var text: String {
        let start = isChange ? "The machine's load has changed: now" : "Fastest:"
        var text = "\(start) \(Self.name(workers)), \(milliseconds(seconds)) a step"
        if let alternative {
            let name = Self.name(alternative.workers)
            text +=
                alternative.isMeasured
                ? "; \(name): \(milliseconds(alternative.seconds))"
                : "; \(name): about \(milliseconds(alternative.seconds)), as predicted"
        }
        return text
    }

    private static func name(_ workers: Int) -> String {
        workers == 0 ? "the coordinator alone" : workers == 1 ? "1 worker" : "\(workers) workers"
    }

    private func milliseconds(_ seconds: Double) -> String {
        "\(decimal(seconds * 1_000, seconds < 0.01 ? 3 : 1)) ms"
    }
}
