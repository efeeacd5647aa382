import LockstepCluster
import LockstepRuntime

extension StatusReport {
    /// What `lockstep status` prints.
    var lines: [String] {
        ["\(name): \(progress)"] + cluster.workers.map(line)
            + [
                "\(cluster.joined) joined, \(cluster.lost) lost, \(counted(cluster.shardsReassigned, "shard")) "
                    + "reassigned; lockstep \(programVersion)"
            ]
    }

    private func line(_ worker: ClusterStatus.Worker) -> String {
        let pace = paces[worker.member].map { "\(decimal(Double($0) / 1e6, 2)) ms a node" } ?? "-"
        return "  worker \(worker.member)   \(worker.host), pid \(worker.processID)   \(worker.state.rawValue)   "
            + "\(pace)\(isSlow(worker) ? "   slow" : "")"
    }

    private var progress: String {
        guard let step = cluster.step else { return cluster.phase.rawValue }
        let epoch = Int(clamping: step) / max(1, stepsPerEpoch)
        return "\(cluster.phase.rawValue), step \(grouped(Int(clamping: step))) of \(grouped(epochs * stepsPerEpoch)), "
            + "epoch \(min(epoch, max(0, epochs - 1)))"
    }
}
