import ArgumentParser
import Glibc
import LockstepLaunch
import LockstepRuntime
import LockstepSystem
import LockstepText

/// The options of `train` under Slurm.
struct SlurmOptions: ParsableArguments {
    @Flag(
        help:
            "Start workers on the nodes of this Slurm allocation, a process for each task. Status 75 then asks to be queued again."
    )
    var slurm = false

    @Flag(help: "With --slurm: queue the job again (scontrol requeue) when the run ends with status 75.")
    var requeue = false

    /// The allocation that this process runs in; nil without `--slurm`.
    ///
    /// - Throws: `CommandError` outside of an allocation.
    func allocation() throws -> SlurmAllocation? {
        guard slurm else {
            guard !requeue else { throw CommandError(.usage, "--requeue belongs to --slurm") }
            return nil
        }
        do {
            return try SlurmAllocation { name in getenv(name).map { String(path: $0) } }
        } catch {
            throw CommandError(.usage, "\(error)")
        }
    }

    /// What a run under Slurm ends with, given its error. A job that can go on is queued again, if that is asked for.
    func ending(of error: any Error, _ allocation: SlurmAllocation, _ console: Console) throws -> any Error {
        let isTimeLimit = (error as? RunError)?.interruption == SIGUSR1
        let ending: any Error = isTimeLimit ? TimeLimitNear() : error
        guard requeue, ExitStatus(of: ending) == .temporaryFailure else { return ending }
        let scontrol = try hostClient("scontrol", package: "slurm-client", path: environmentPath("PATH") ?? "")
        if let reason = try LockstepLaunch.requeue(job: allocation.job, scontrol: scontrol) {
            console.warning("the job is not queued again: \(reason)")
        } else {
            console.info("Job \(allocation.job) is queued again")
        }
        return ending
    }
}
