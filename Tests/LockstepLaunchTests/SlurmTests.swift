import Glibc
import LockstepCluster
import LockstepSystem
import Testing

@testable import LockstepLaunch

@Suite("An allocation of Slurm")
struct SlurmAllocationTests {
    private func allocation(_ variables: [String: String]) throws(SlurmAllocation.Fault) -> SlurmAllocation {
        try SlurmAllocation { variables[$0] }
    }

    private func fault(_ variables: [String: String]) -> String {
        do {
            return "no error: \(try allocation(variables))"
        } catch {
            return error.description
        }
    }

    @Test("Nodes and tasks are read as sbatch and salloc write them")
    func nodes() throws {
        let batch = try allocation([
            "SLURM_JOB_ID": "3", "SLURM_JOB_NODELIST": "n[1-2],m07", "SLURM_TASKS_PER_NODE": "2(x2),1",
            "SLURM_CPUS_PER_TASK": "2", "SLURM_NTASKS": "5", "SLURM_PROCID": "0",
        ])
        #expect(batch.job == "3" && batch.coresPerTask == 2)
        #expect(batch.nodes.map(\.name) == ["n1", "n2", "m07"] && batch.nodes.map(\.processes) == [2, 2, 1])
        let interactive = try allocation(["SLURM_JOB_ID": "4", "SLURM_JOB_NODELIST": "n1"])
        #expect(interactive.nodes == [HostEntry(name: "n1", processes: 1)] && interactive.coresPerTask == 1)
        let racks = try allocation(["SLURM_JOB_ID": "5", "SLURM_JOB_NODELIST": "r[0-1]n[08-09]"])
        #expect(racks.nodes.map(\.name) == ["r0n08", "r0n09", "r1n08", "r1n09"])
    }

    @Test("Outside of an allocation the message has a batch script, and one of several tasks is told to run alone")
    func outside() {
        #expect(fault([:]).contains("#SBATCH --ntasks=8\n"))
        #expect(fault([:]).contains("exec lockstep train CONFIG --slurm"))
        let task = ["SLURM_JOB_ID": "3", "SLURM_JOB_NODELIST": "n1", "SLURM_STEP_NUM_TASKS": "4"]
        #expect(fault(task).contains("one of 4 tasks of srun: run it without srun"))
    }

    @Test(
        "Values that Slurm does not write are errors that name the variable",
        arguments: [
            ("SLURM_TASKS_PER_NODE", "2(x3"), ("SLURM_TASKS_PER_NODE", "2(3)"), ("SLURM_TASKS_PER_NODE", ""),
            ("SLURM_TASKS_PER_NODE", "0"), ("SLURM_TASKS_PER_NODE", "1(x99999)"), ("SLURM_TASKS_PER_NODE", "1,1,1"),
            ("SLURM_CPUS_PER_TASK", "-1"), ("SLURM_JOB_NODELIST", "n[1-"), ("SLURM_JOB_ID", "x"),
        ])
    func malformed(variable: String, value: String) {
        let sound = ["SLURM_JOB_ID": "3", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_TASKS_PER_NODE": "1(x2)"]
        #expect(fault(sound.merging([variable: value]) { $1 }).contains(variable))
    }
}

@Suite("The command line of srun")
struct SrunCommandTests {
    private let command = SrunCommand(program: "/opt/lockstep", coresPerTask: 2, workerArguments: ["--wait", "30"])

    @Test("A node's workers are one task with the cores of all, next to other steps of the job")
    func arguments() {
        let arguments = command.arguments(
            for: HostEntry(name: "n01", processes: 3), over: .network(endpoints: ["tcp://a:1", "tcp://b:1"]),
            deadlines: Deadlines())
        #expect(
            arguments.starts(with: ["--overlap", "--nodes=1", "--ntasks=1", "--nodelist=n01", "--cpus-per-task=6"]))
        #expect(
            arguments.drop { $0 != "--" } == [
                "--", "/opt/lockstep", "worker", "--connect", "tcp://a:1,tcp://b:1", "--keys", "-", "--processes", "3",
                "--wait", "30",
            ])
        // Otherwise srun takes the job's numbers for those of the step.
        #expect(command.environment["SLURM_NTASKS"] == .some(nil))
        #expect(command.environment["SLURM_JOB_ID"] == nil)
    }

    @Test("A task that a signal has killed is told apart from one that was told to stop")
    func ending() {
        #expect(command.ending(.exited(code: 137)) == .signalled(SIGKILL))
        #expect(command.ending(.exited(code: 139)) == .signalled(SIGSEGV))
        #expect(command.ending(.exited(code: 143)) == .exited(code: 143))
        #expect(command.ending(.exited(code: 143)).wasToldToStop)
        #expect(command.ending(.exited(code: 0)).isSuccess)
    }

    @Test("Failures name the node, the reason and the remedy")
    func failures() {
        func text(_ ending: ChildProcess.Exit, _ lines: String...) -> String {
            command.failure(of: "n01", ending, lines: lines, version: "1.2").description
        }
        #expect(
            text(.exited(code: 1), "srun: error: Unable to create step for job 3: Requested nodes are busy")
                == "n01: srun failed: srun: error: Unable to create step for job 3: Requested nodes are busy")
        #expect(
            text(
                .exited(code: 2), "slurmstepd: error: execve(): /opt/lockstep: No such file or directory",
                "srun: error: n01: task 0: Exited with exit code 2"
            ).contains("name its path there with --remote PATH"))
        #expect(
            text(
                .exited(code: 69), "lockstep: no coordinator answered at tcp://a:1 within 30 s",
                "srun: error: n01: task 0: Exited with exit code 69"
            ).contains("give --advertise HOST"))
        #expect(
            text(.exited(code: 77), "lockstep: rejected our key", "srun: error: n01: task 0: Exited with exit code 77")
                == "n01: its workers ended with exit status 77: lockstep: rejected our key")
        #expect(text(.signalled(9)) == "n01: its worker command ended with signal 9 (Killed)")
    }
}
