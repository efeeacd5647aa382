import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `lockstep train --slurm` with programs in place of srun and scontrol: srun runs everything on this host.
@Suite("A job of Slurm", .serialized, .oneAtATime)
struct SlurmLaunchTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(epochs: 10)
        try place.folder.write(
            text: """
                #!/bin/sh
                test -z "$SLURM_NTASKS$SLURM_TASKS_PER_NODE" || exit 70
                while [ "$1" != -- ]; do shift; done
                shift
                exec "$@"

                """, to: "bin/srun")
        try place.folder.write(
            text: "#!/bin/sh\necho \"$@\" >>\(place.folder("scontrol.log"))\n", to: "bin/scontrol")
        for name in ["srun", "scontrol"] { chmod(place.folder("bin/\(name)"), 0o755) }
    }

    private static let allocation = [
        "SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_TASKS_PER_NODE": "2,1", "SLURM_NTASKS": "3",
    ]

    private func train(
        _ options: String..., allocation: [String: String] = allocation
    ) throws -> RunningProcess {
        try RunningProcess(
            [
                "train", place.configuration, "--shards", "4", "--output", place.folder("run"), "--resume=auto",
                "--slurm",
            ] + options,
            environment: [
                "PATH": "\(place.folder("bin")):/usr/bin:/bin", "LOCKSTEP_FAULT": "slow=2",
                "LOCKSTEP_CACHE": place.folder("cache"),
            ].merging(allocation) { $1 }, in: place.folder.path)
    }

    @Test("Each task of a node is a worker process, and SIGUSR1 ends the run with 75, to be queued again and resumed")
    func timeLimit() throws {
        let hash = try place.weights(["--shards", "4"])
        let first = try train("--requeue")
        try first.waitForLine(containing: "Epoch 0:")
        #expect(first.errors.contains("Starting 3 workers on 2 hosts in job 17 of Slurm"))
        #expect(first.errors.contains("\nn1: [1] Joined the run as"), "\(first.errors)")
        first.send(signal: SIGUSR1)
        let ending = try first.wait()
        #expect(ending.status == 75, "\(ending)")
        #expect(ending.errorLines.last?.contains("SIGUSR1 says that the job's time limit is near") == true)
        #expect(ending.errors.contains("Job 17 is queued again") && first.orphans().isEmpty)
        #expect(try text(of: place.folder("scontrol.log")) == "requeue 17\n")

        let second = try train()
        let end = try second.wait()
        #expect(end.status == 0 && end.errors.contains("Resuming "), "\(end)")
        #expect(try RunSummary(run: place.folder("run")).weightsSHA256 == hash)
    }

    @Test("When all tasks are told to stop, the run ends with 75 and its checkpoint, and is not queued again unasked")
    func preempted() throws {
        let run = try train("--set", "checkpoint.every=0")
        try run.waitForLine(containing: "Epoch 0:")
        for worker in run.descendants where ProcessTable.arguments(of: worker).contains("worker") {
            kill(worker, SIGTERM)
        }
        let ending = try run.wait()
        #expect(ending.status == 75, "\(ending)")
        #expect(ending.errorLines.last == "lockstep: all workers were told to stop")
        #expect(try RunDirectory(existing: place.folder("run")).checkpoints.steps().first ?? 0 > 0)
        #expect(!FileManager.default.fileExists(atPath: place.folder("scontrol.log")) && run.orphans().isEmpty)
    }

    @Test("Outside of an allocation the message shows a batch script")
    func outside() throws {
        let ending = try train(allocation: [:]).wait()
        #expect(ending.status == 64 && ending.errors.contains("#SBATCH --ntasks=8"), "\(ending)")
    }
}
