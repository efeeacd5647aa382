import LockstepProtocol

/// The text that represents a notice or a failure in a record's digests.
///
/// These texts are part of the record's format. They do not change when types, cases and messages for people change, so
/// that old records can still be replayed.
protocol RecordText {
    var recordText: String { get }
}

extension ClusterNotice: RecordText {
    var recordText: String {
        switch self {
        case .joined(let member, let active):
            "joined(\(member.recordText), active: \(active))"
        case .joinedWithOtherBits(let member, let kernel, let active):
            "joinedWithOtherBits(\(member.recordText), kernel: \(kernel.debugDescription), active: \(active))"
        case .left(let member, let goodbye, let active):
            "left(\(member.recordText), LockstepProtocol.Goodbye(code: LockstepProtocol.Goodbye.Code.\(goodbye.code), "
                + "message: \(goodbye.message.debugDescription)), active: \(active))"
        case .lost(let member, let reason, let shards, let active):
            "lost(\(member.recordText), reason: \(reason.debugDescription), shardsReassigned: \(shards), "
                + "active: \(active))"
        case .notProved(let member, let reason, let saidGoodbye):
            "notProved(\(member.recordText), reason: \(reason.debugDescription), saidGoodbye: \(saidGoodbye))"
        case .refused(let host, let refusal):
            "refused(host: \(host.map { "Optional(\($0.debugDescription))" } ?? "nil"), LockstepProtocol.Refusal("
                + "code: LockstepProtocol.Refusal.Code.\(refusal.code), message: \(refusal.message.debugDescription)))"
        case .outdated(let member, let sender):
            "outdated(\(member.recordText), saidAs: \(sender.map { "Optional(worker \($0.rawValue))" } ?? "nil"))"
        case .workerCount(let choice):
            "activity(\(choice.recordText))"
        case .slow(let member, let seconds, let median, let times):
            "slow(\(member.recordText), seconds: \(seconds), median: \(median), times: \(times))"
        case .quarantined(let member, let step, let node, let active):
            "quarantined(\(member.recordText), step: \(step), node: \(node), active: \(active))"
        case .dataChanged(let member, let active, let isHostExcluded):
            "dataChanged(\(member.recordText), active: \(active), isHostExcluded: \(isHostExcluded))"
        case .waiting(let seconds):
            "waiting(seconds: \(seconds))"
        case .connectionRejected, .memoryUnshared, .payloadInline, .recordBroken, .prediction, .replacing, .notReplaced:
            // The machine produces none of these.
            "\(self)"
        }
    }
}

extension ClusterFailure: RecordText {
    var recordText: String {
        switch self {
        case .tooFewWorkers(let joined, let needed, let seconds):
            "\(joined) of \(needed) workers joined within \(Int(seconds)) s; start the others in time, or set a "
                + "longer timeouts.start"
        case .noWorkersLeft(let seconds):
            "the last worker has gone and none came back within \(Int(seconds)) s (timeouts.rejoin)"
        case .linkTooSlow(let reason, let seconds):
            "linkTooSlow(\(reason.debugDescription), seconds: \(seconds))"
        }
    }
}

extension MemberInfo: RecordText {
    var recordText: String { "worker \(id.rawValue) (\(host), pid \(processID))" }
}

extension WorkerCountChoice: RecordText {
    var recordText: String {
        let alternative = alternative.map {
            "Optional(LockstepCluster.ActivityChoice.Alternative(\($0.processes.recordText), seconds: \($0.seconds), "
                + "isMeasured: \($0.isMeasured)))"
        }
        return "LockstepCluster.ActivityChoice(\(processes.recordText), seconds: \(seconds), "
            + "alternative: \(alternative ?? "nil"), isChange: \(isChange))"
    }
}

extension ComputingProcesses: RecordText {
    var recordText: String {
        "workers: \(workers)" + (includesCoordinator && !isCoordinatorAlone ? ", coordinator: true" : "")
    }
}
