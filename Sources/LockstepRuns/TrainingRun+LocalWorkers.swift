import Foundation
import LockstepRuntime
package import LockstepTraining

extension TrainingRun {
    /// Trains on worker processes of this host, without a run directory. The workers' logs are kept only if the run
    /// fails.
    ///
    /// - Parameters:
    ///   - count: Worker processes to start.
    ///   - executable: The path of the program `lockstep`.
    ///   - observers: Told about the run as it goes on.
    /// - Returns: How the run ended.
    /// - Throws: Why the workers could not be started, or why the run failed.
    package func train(
        onLocalWorkers count: Int, executable: String, observers: [any RunObserver]
    ) throws -> RunOutcome {
        let logs = FileManager.default.temporaryDirectory.appendingPathComponent("lockstep-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: logs, withIntermediateDirectories: true)
        let cluster = try Cluster(
            self, Cluster.Options(endpoints: [], workers: count...count, allowsMixedKernels: false), stop: nil)
        try cluster.startLocalWorkers(count, executable: executable, arguments: ["--quiet"]) { index in
            logs.appendingPathComponent("worker-\(index).log").path
        }
        let outcome = try cluster.train(observers: observers) { _, _ in }
        try? FileManager.default.removeItem(at: logs)
        return outcome
    }
}
