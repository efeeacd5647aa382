import LockstepCluster
import LockstepRuntime
import LockstepSystem
import LockstepText

extension StatusReport {
    /// What `lockstep status` prints.
    var lines: [String] {
        ["\(name.printable): \(progress)"] + cluster.workers.map(line)
            + [
                "\(cluster.joined) joined, \(cluster.lost) lost, \(counted(cluster.shardsReassigned, "shard")) "
                    + "reassigned; lockstep \(programVersion.printable)"
            ]
    }

    private func line(_ worker: ClusterStatus.Worker) -> String {
        let time = computeTimes[worker.member].map { "\(decimal(Double($0) / 1e6, 2)) ms a node" } ?? "-"
        let host = worker.host.printable
        let processes = worker.processes.map { ", \(grouped($0)) processes" } ?? ""
        return "  worker \(worker.member)   \(host), pid \(worker.processID)\(processes)   \(worker.state.rawValue)   "
            + "\(time)\(isSlow(worker) ? "   slow" : "")"
    }

    private var progress: String {
        guard let step = cluster.step else { return cluster.phase.rawValue }
        let epoch = Int(clamping: step) / max(1, stepsPerEpoch)
        return "\(cluster.phase.rawValue), step \(grouped(Int(clamping: step))) of \(grouped(epochs * stepsPerEpoch)), "
            + "epoch \(min(epoch, max(0, epochs - 1)))"
    }
}
