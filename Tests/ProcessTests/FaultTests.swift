import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

/// Real faults in real processes. After each fault the run has the hash of an undisturbed run.
@Suite("Faults", .serialized, .oneAtATime)
struct FaultTests {
    /// A run with epochs of 50 steps, and its hash in one process.
    private struct Site {
        let folder: TemporaryFolder
        let hash: String

        init(epochs: Int) throws {
            folder = try Workplace(epochs: epochs).folder
            let alone = try Program.run(
                ["train", "tiny.yaml", "--shards", "4", "--output", "alone", "--quiet"], in: folder.path)
            #expect(alone.status == 0, "\(alone)")
            hash = try RunSummary(run: folder("alone")).weightsSHA256
        }

        func train(_ options: [String] = [], fault: String? = nil) throws -> RunningProcess {
            try RunningProcess(
                ["train", "tiny.yaml", "--shards", "4", "--workers", "3", "--output", "run"] + options,
                environment: fault.map { ["LOCKSTEP_FAULT": $0] } ?? [:], in: folder.path)
        }

        func coordinator(_ workers: String) throws -> (RunningProcess, endpoint: String) {
            let run = try RunningProcess(
                [
                    "coordinator", "tiny.yaml", "--shards", "4", "--workers", workers, "--output", "run", "--bind",
                    "tcp://127.0.0.1:0",
                ], in: folder.path)
            return (run, try run.listeningEndpoint())
        }

        /// A worker that takes a few milliseconds for every node, so that the fault happens while it computes one.
        func worker(_ endpoint: String, fault: String = "slow=4") throws -> RunningProcess {
            try RunningProcess(
                ["worker", "--connect", endpoint], environment: ["LOCKSTEP_FAULT": fault], in: folder.path)
        }

        /// Waits for the end, and compares the hash.
        func conclude(_ run: RunningProcess) throws -> RunSummary {
            let ending = try run.wait()
            #expect(ending.status == 0, "\(ending)")
            #expect(run.orphans().isEmpty)
            let summary = try RunSummary(run: folder("run"))
            #expect(summary.weightsSHA256 == hash, "\(ending)")
            return summary
        }
    }

    @Test("A killed worker's nodes go to the others, and another worker takes its place")
    func killed() throws {
        let site = try Site(epochs: 10)
        let run = try site.train(["--record-events", "events"], fault: "slow=4")
        try run.waitForLine(containing: "Epoch 0")
        kill(try #require(run.workers.first), SIGKILL)
        try run.waitForLine(containing: "another one starts in 0.2 s (replacement 1 of at most 10)")
        try run.waitForLine(containing: "joined", count: 4)
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 1 && summary.workersJoined == 4)
        // The machine's decisions depend only on its events.
        let record = try bytes(of: site.folder("events"))
        let replay = try record.withUnsafeBytes { try EventReplay.run($0) }
        #expect(replay.steps == summary.steps && replay.events > summary.steps)
        var altered = record
        altered[record.count - 1] ^= 1
        #expect(throws: EventReplay.Failure.self) { try altered.withUnsafeBytes { try EventReplay.run($0) } }
    }

    @Test(
        "Without restarts the run continues with the other workers; a worker that was asked to stop is never replaced")
    func survivors() throws {
        let site = try Site(epochs: 10)
        let run = try site.train(["--max-restarts", "0"], fault: "slow=4")
        try run.waitForLine(containing: "Epoch 0")
        let workers = run.workers
        try #require(workers.count == 3)
        kill(workers[0], SIGKILL)
        try run.waitForLine(containing: "is not replaced: the run has used its 0 replacements")
        try run.waitForLine(containing: "was lost: ")
        kill(workers[1], SIGTERM)
        try run.waitForLine(containing: "left: asked to stop; 1 worker")
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3)
        // Only the killed worker was to be replaced.
        let refused = run.errors.split(separator: "\n").count { $0.contains("is not replaced") }
        #expect(refused == 1 && !run.errors.contains("another one starts"), "\(run.errors)")
    }

    @Test("A worker that dies again and again is replaced after increasing pauses, up to the limit")
    func dying() throws {
        let site = try Site(epochs: 24)
        let run = try site.train(["--max-restarts", "2"], fault: "slow=4")
        try run.waitForLine(containing: "Epoch 0")
        kill(try #require(run.workers.last), SIGKILL)
        for (replacement, pause) in [(1, "0.2"), (2, "0.4")] {
            try run.waitForLine(containing: "starts in \(pause) s (replacement \(replacement) of at most 2)")
            let line = try run.waitForLine(containing: "joined; 3 workers", count: 1 + replacement)
            // "worker 4 (host, pid 17) joined; 3 workers"
            let number = line.split(separator: "pid ").last?.prefix { $0.isNumber }
            kill(try #require(number.flatMap { Int32($0) }, "\(line)"), SIGKILL)
        }
        try run.waitForLine(containing: "is not replaced: the run has used its 2 replacements")
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 3 && summary.workersJoined == 5 && summary.restarts == 2)
    }

    @Test(
        "A stopped worker's node is reassigned, the heartbeat evicts the worker, and it joins again when it continues")
    func stopped() throws {
        let site = try Site(epochs: 36)
        let run = try site.train(fault: "slow=4")
        try run.waitForLine(containing: "Epoch 0")
        let worker = try #require(run.workers.first)
        let before = Instant.now
        kill(worker, SIGSTOP)
        let line = try run.waitForLine(containing: "was lost")
        let detection = Instant.now.since(before)
        #expect(line.contains("pid \(worker)") && line.contains("its connection ended"), "\(line)")
        kill(worker, SIGCONT)
        try run.waitForLine(containing: "joined; 3 workers", count: 2)
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 1 && summary.workersJoined == 4)
        // It held a node when it was stopped, or got one in the next step; the other workers did not wait for the
        // heartbeat.
        #expect(summary.duplicates ?? 0 >= 1)
        // A heartbeat is sent every second, and answered within three.
        if getenv("LOCKSTEP_DEEP_NETWORK") != nil {
            #expect(summary.maxStepGapMilliseconds ?? .infinity < 1_000)
            #expect(detection > .seconds(2) && detection <= .seconds(4.1), "\(detection)")
        }
    }

    @Test("A worker that hangs while it computes does not delay the others")
    func hanging() throws {
        let site = try Site(epochs: 4)
        _ = try site.conclude(try site.train(fault: "hang@20#1"))
    }

    @Test("A worker that hangs too long is evicted at the step's deadline, and joins again when it continues")
    func hangingLong() throws {
        let site = try Site(epochs: 90)
        let (run, endpoint) = try site.coordinator("2")
        // Far longer than the deadline of five seconds.
        let hanging = try site.worker(endpoint, fault: "hang=10@20")
        let other = try site.worker(endpoint)
        let line = try run.waitForLine(containing: "was lost")
        #expect(line.contains("pid \(hanging.processID)") && line.contains("it has not answered for"), "\(line)")
        try run.waitForLine(containing: "joined; 2 workers", count: 2)
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3 && summary.duplicates ?? 0 >= 1)
        let ending = try hanging.wait()
        #expect(
            ending.status == 0 && ending.errorLines.count { $0.contains("Joining again: it has not") } == 1, "\(ending)"
        )
        #expect(try other.wait().status == 0)
    }

    @Test("A worker that is often slow is reported, and stays")
    func slow() throws {
        // Long enough that it is often the slowest, even if the other workers' cores are busy.
        let site = try Site(epochs: 12)
        let run = try site.train(["--epochs", "100000"], fault: "slow=60@10#1")
        try run.waitForLine(containing: " is slow: ")
        run.send(signal: SIGTERM)
        let ending = try run.wait()
        #expect(ending.status == 143, "\(ending)")
        #expect(run.orphans().isEmpty)
        #expect(!ending.errors.contains("was lost"))
    }

    @Test("A worker that joins late takes part; after the last one is gone the run waits for another")
    func joining() throws {
        let site = try Site(epochs: 12)
        let (run, endpoint) = try site.coordinator("1:3")
        let first = try site.worker(endpoint)
        try run.waitForLine(containing: "Epoch 0")
        let second = try site.worker(endpoint)
        try run.waitForLine(containing: "joined; 2 workers")
        first.send(signal: SIGKILL)
        second.send(signal: SIGKILL)
        try run.waitForLine(containing: "no workers are left; waiting 60 s for one to join")
        let third = try site.worker(endpoint)
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 2 && summary.workersJoined == 3 && summary.shardsReassigned >= 1)
        #expect(try third.wait().status == 0)
    }

    @Test("An audit names a worker that flips a bit, and the weights are correct")
    func audited() throws {
        let site = try Site(epochs: 4)
        let run = try site.train(["--audit", "1"], fault: "flip@30#1")
        let line = try run.waitForLine(containing: "computed a wrong result for node")
        #expect(line.contains("of step 30;"))
        let summary = try site.conclude(run)
        #expect(summary.workersLost == 0)
    }

    @Test("With a single worker, the coordinator computes the audit itself")
    func auditedAlone() throws {
        let site = try Site(epochs: 2)
        let correct = try RunningProcess(
            [
                "train", "tiny.yaml", "--shards", "4", "--workers", "1", "--audit", "0.5", "--output", "run",
            ], in: site.folder.path)
        _ = try site.conclude(correct)
        let faulty = try Program.run(
            ["train", "tiny.yaml", "--workers", "1", "--audit", "1", "--max-restarts", "0", "--output", "faulty"],
            environment: ["LOCKSTEP_FAULT": "flip@5"], in: site.folder.path)
        #expect(faulty.status == 69, "\(faulty)")
        #expect(faulty.errors.contains("computed a wrong result for node 1 of step 5"))
        let mixed = try Program.run(
            ["train", "tiny.yaml", "--workers", "2", "--audit", "1", "--allow-mixed-kernels"], in: site.folder.path)
        #expect(mixed.status == 64, "\(mixed)")
    }
}
