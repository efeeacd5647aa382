import Glibc
import LockstepRuntime
import LockstepSystem
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
        let stem = "\(temporaryFolder)/lockstep-"
        guard let logs = makeUniqueFolder(stem) else { throw SystemError("make a folder", code: errno, path: stem) }
        let cluster = try Cluster(
            self, Cluster.Options(endpoints: [], workers: count...count, allowsMixedKernels: false), stop: nil)
        try cluster.calibrate()
        try cluster.startLocalWorkers(count, executable: executable, arguments: ["--quiet"]) { index in
            "\(logs)/worker-\(index).log"
        }
        let outcome = try cluster.train(observers: observers) { _, _ in }
        for name in (try? names(in: logs)) ?? [] { unlink("\(logs)/\(name)") }
        rmdir(logs)
        return outcome
    }
}
