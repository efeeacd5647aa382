import Foundation
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
        return "  worker \(worker.member)   \(host), pid \(worker.processID)\(processes)   \(worker.state.name)   "
            + "\(time)\(isSlow(worker) ? "   slow" : "")"
    }

    private var progress: String {
        guard let step = cluster.step else { return cluster.phase.rawValue }
        let epoch = Int(clamping: step) / max(1, stepsPerEpoch)
        return "\(cluster.phase.rawValue), step \(grouped(Int(clamping: step))) of \(grouped(epochs * stepsPerEpoch)), "
            + "epoch \(min(epoch, max(0, epochs - 1)))"
    }
}

extension StatusReport {
    /// The status for programs, whose keys do not change with the protocol.
    private struct Document: Encodable {
        struct Worker: Encodable {
            let worker: UInt32
            let host: String
            let processID: UInt32
            /// The processes that compute for the worker.
            let processes: Int
            let state: String
            let millisecondsPerNode: Double?
            let isSlow: Bool
        }

        let name: String
        let programVersion: String
        let phase: String
        let step: UInt64?
        let steps: Int
        let epochs: Int
        let shards: Int
        let joined: Int
        let lost: Int
        let shardsReassigned: Int
        let workers: [Worker]
    }

    /// What `lockstep status --json` prints.
    func json() throws -> String {
        let workers = cluster.workers.map { worker in
            Document.Worker(
                worker: worker.member, host: worker.host, processID: worker.processID,
                processes: worker.processes ?? 1, state: worker.state.name,
                millisecondsPerNode: computeTimes[worker.member].map { Double($0) / 1e6 }, isSlow: isSlow(worker))
        }
        let document = Document(
            name: name, programVersion: programVersion, phase: cluster.phase.rawValue, step: cluster.step,
            steps: epochs * stepsPerEpoch, epochs: epochs, shards: shards, joined: cluster.joined, lost: cluster.lost,
            shardsReassigned: cluster.shardsReassigned, workers: workers)
        return try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(document)
    }
}

extension ClusterStatus.Worker.State {
    /// For people and programs: the protocol has an older word for a worker on standby.
    fileprivate var name: String { self == .standby ? "standby" : rawValue }
}
