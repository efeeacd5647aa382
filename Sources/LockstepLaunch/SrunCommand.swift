import Glibc
package import LockstepCluster
package import LockstepSystem
import LockstepText

/// The command line of an srun that runs a worker command on a node of an allocation.
package struct SrunCommand: HostCommand {
    /// The program on the nodes.
    private let program: String
    private let coresPerTask: Int
    /// Arguments of the worker command, besides those that say where the coordinator is.
    private let workerArguments: [String]

    package init(program: String, coresPerTask: Int, workerArguments: [String]) {
        self.program = program
        self.coresPerTask = coresPerTask
        self.workerArguments = workerArguments
    }

    package var name: String { "srun" }
    /// Slurm ends the task with the job, and its standard input no sooner.
    package var isOutlived: Bool { true }

    /// srun takes the job's own numbers of nodes and tasks from the environment, where they contradict its arguments.
    package var environment: [String: String?] {
        let numbers = [
            "NTASKS", "NPROCS", "NTASKS_PER_NODE", "NTASKS_PER_CORE", "NTASKS_PER_SOCKET", "TASKS_PER_NODE", "NNODES",
            "CPUS_PER_TASK", "TRES_PER_TASK", "DISTRIBUTION", "ARBITRARY_NODELIST",
        ]
        return Dictionary(uniqueKeysWithValues: numbers.map { ("SLURM_\($0)", nil as String?) })
    }

    /// One task for each node, which starts the node's worker processes. Its standard input ends when srun's does.
    package func arguments(for host: HostEntry, over route: HostRoute, deadlines: Deadlines) -> [String] {
        [
            // Steps of the coordinator and of earlier starts may hold the same cores.
            "--overlap", "--nodes=1", "--ntasks=1", "--nodelist=\(host.name)",
            // srun does not take it from the allocation since Slurm 22.05.
            "--cpus-per-task=\(host.processes * coresPerTask)",
            // What happens to one node does not end the job.
            "--kill-on-bad-exit=0", "--no-kill", "--mpi=none", "--job-name=lockstep-worker", "--", program, "worker",
        ] + route.workerArguments + ["--keys", "-", "--processes", "\(host.processes)"] + workerArguments
    }

    /// srun ends with the task's status, and with 128 and the signal's number if a signal ended the task. A worker that is told to stop has
    /// such a status as well, but never after one of these signals.
    package func ending(_ client: ChildProcess.Exit) -> ChildProcess.Exit {
        guard case .exited(let code) = client else { return client }
        let signal = code - 128
        let isDeath = [SIGKILL, SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGSYS].contains(signal)
        return isDeath ? .signalled(signal) : client
    }

    package func failure(of host: String, _ ending: ChildProcess.Exit, lines: [String], version: String) -> HostFailure
    {
        // One of several processes has its number in front.
        let own = lines.last { $0.hasPrefix("lockstep: ") || $0.contains("] lockstep: ") }
        let line = (own ?? lines.last { $0.contains("error: ") } ?? lines.last)?.printable ?? "it printed no reason"
        let reason =
            switch ending {
            case .signalled: "its worker command ended with \(ending)"
            case .exited where own == nil && lines.contains { $0.contains("execve()") }:
                "there is no program \(program.printableName) there that can run (\(line)): put it on a shared disk, or name "
                    + "its path there with --remote PATH"
            case .exited(64):
                "lockstep there does not understand this version's command line (\(line)): install lockstep \(version)"
            case .exited(69) where line.contains("no coordinator answered"):
                "its workers do not reach this host (\(line)): give --advertise HOST, or open the ports between the nodes"
            case .exited(let code):
                own == nil ? "srun failed: \(line)" : "its workers ended with exit status \(code): \(line)"
            }
        return HostFailure(host: host, reason: reason)
    }
}
