import Glibc
package import LockstepCluster
package import LockstepRuntime
import LockstepSystem
package import LockstepTraining

extension Cluster {
    /// Trains without a run directory. The logs of local workers are kept only if the run fails.
    ///
    /// - Parameters:
    ///   - localWorkers: Worker processes to start on this host; nil: none, the workers are started by hand.
    ///   - observers: Told about the run as it goes on.
    ///   - notify: Told what happens in the cluster.
    /// - Returns: How the run ended.
    /// - Throws: Why the workers could not be started, or why the run failed.
    @discardableResult
    package func trainUnrecorded(
        localWorkers: Int?, observers: [any RunObserver], notify: @escaping (ClusterNotice) -> Void
    ) throws -> RunOutcome {
        try calibrate()
        guard let localWorkers else { return try train(observers: observers) { notice, _ in notify(notice) } }
        let stem = "\(temporaryFolder)/lockstep-"
        guard let logs = makeUniqueFolder(stem) else { throw SystemError("make a folder", code: errno, path: stem) }
        try startLocalWorkers(localWorkers, arguments: ["--quiet"]) { "\(logs)/worker-\($0).log" }
        let outcome = try train(observers: observers) { notice, _ in notify(notice) }
        for name in (try? names(in: logs)) ?? [] { unlink("\(logs)/\(name)") }
        rmdir(logs)
        return outcome
    }
}
