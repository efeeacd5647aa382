import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Coordinators and workers that are started by hand: one of them is asked to stop, is killed or is started again.
@Suite("Started by hand", .serialized, .oneAtATime)
struct HandStartedTests {
    /// A run whose workers take a few milliseconds for each node, over an endpoint that stays the same.
    private struct Terminals {
        let place: Workplace
        let hash: String
        var endpoint: String { "ipc://\(place.folder("s"))" }

        init(epochs: Int = 3) throws {
            place = try Workplace(epochs: epochs)
            hash = try place.weights(["--shards", "4"])
        }

        func coordinator(_ options: String...) throws -> RunningProcess {
            let process = try RunningProcess(
                [
                    "coordinator", place.configuration, "--bind", endpoint, "--shards", "4", "--output",
                    place.folder("run"), "--set", "checkpoint.every=0.05",
                ] + options, in: place.folder.path)
            try process.waitForLine(containing: "Listening on ")
            return process
        }

        func worker(_ options: String...) throws -> RunningProcess {
            try RunningProcess(
                ["worker", "--connect", endpoint] + options, environment: ["LOCKSTEP_FAULT": "slow=4"],
                in: place.folder.path)
        }

        func waitForCheckpoint(of coordinator: RunningProcess) throws {
            let folder = RunDirectory(existing: place.folder("run")).checkpoints
            try coordinator.wait(until: "there is a checkpoint") { try folder.steps().first ?? 0 > 0 }
        }

        func expectUndisturbed(_ coordinator: RunningProcess) throws -> RunSummary {
            let ending = try coordinator.wait()
            #expect(ending.status == 0, "\(ending)")
            let summary = try RunSummary(run: place.folder("run"))
            #expect(summary.weightsSHA256 == hash, "\(ending)")
            return summary
        }
    }

    @Test(
        "A coordinator that is asked to stop ends its workers, and can be resumed",
        arguments: [SIGINT, SIGTERM])
    func stopped(signal: Int32) throws {
        let terminals = try Terminals()
        let first = try terminals.coordinator("--workers", "2")
        let workers = try [terminals.worker(), terminals.worker()]
        try first.waitForLine(containing: "Epoch 0:")
        first.send(signal: signal)
        let ending = try first.wait()
        #expect(ending.status == 128 + signal, "\(ending)")
        #expect(ending.errors.contains("to continue, repeat the command with --resume"))
        for worker in workers { #expect(try worker.wait().status == 0) }

        let second = try terminals.coordinator("--workers", "1", "--resume")
        let worker = try terminals.worker()
        let summary = try terminals.expectUndisturbed(second)
        #expect(second.errors.contains("Resuming ") && summary.workersJoined == 3)
        #expect(try worker.wait().status == 0)
    }

    @Test("A worker that ends only with a finished run waits for the coordinator that resumes an interrupted one")
    func untilFinished() throws {
        let terminals = try Terminals()
        let first = try terminals.coordinator("--workers", "3")
        let workers = try [
            terminals.worker("--until-finished"), terminals.worker("--until-finished", "--processes", "2"),
        ]
        try first.waitForLine(containing: "Epoch 0:")
        first.send(signal: SIGTERM)
        #expect(try first.wait().status == 143)
        for worker in workers {
            try worker.waitForLine(
                containing: "The run is not finished (the coordinator was asked to stop); waiting 60 s")
        }
        let second = try terminals.coordinator("--workers", "3", "--resume")
        _ = try terminals.expectUndisturbed(second)
        for worker in workers { #expect(try worker.wait().status == 0) }
    }

    @Test(
        "After a second signal a coordinator ends at once; its workers wait for another, then report that none came"
    )
    func stoppedTwice() throws {
        let terminals = try Terminals()
        let coordinator = try terminals.coordinator("--workers", "2", "--set", "timeouts.rejoin=1")
        let workers = try [terminals.worker(), terminals.worker()]
        try coordinator.waitForLine(containing: "Epoch 0:")
        // No worker answers, so the step never ends.
        for worker in workers { worker.send(signal: SIGSTOP) }
        // Two equal signals that arrive together would count as one.
        coordinator.send(signal: SIGINT)
        coordinator.send(signal: SIGTERM)
        #expect(try coordinator.wait().status == 143)
        for worker in workers {
            worker.send(signal: SIGCONT)
            let ending = try worker.wait()
            #expect(ending.status == 69, "\(ending)")
            #expect(ending.errors.contains("Lost the coordinator; waiting 1 s for it to come back"))
            // Standard error is a file, so the events are in this log.
            #expect(ending.errorLines.contains { $0.contains("event: ") && $0.hasSuffix("disconnected") }, "\(ending)")
        }
    }

    @Test(
        "Workers join a coordinator that was killed and resumed in time, and the weights are undisturbed"
    )
    func resumed() throws {
        let terminals = try Terminals()
        let first = try terminals.coordinator("--workers", "2")
        let workers = try [terminals.worker(), terminals.worker()]
        try first.waitForLine(containing: "Epoch 0:")
        try terminals.waitForCheckpoint(of: first)
        first.send(signal: SIGKILL)
        #expect(try first.wait().signal == SIGKILL)
        for worker in workers {
            try worker.waitForLine(containing: "Lost the coordinator; waiting 60 s")
        }
        let second = try terminals.coordinator("--workers", "2", "--resume")
        let summary = try terminals.expectUndisturbed(second)
        #expect(summary.workers == 2 && second.errors.contains("Resuming "))
        for worker in workers {
            let ending = try worker.wait()
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errorLines.count { $0.contains("Joined the run as") } == 2)
        }
    }

    @Test("A run whose last worker does not return writes a checkpoint, fails, and can be resumed")
    func abandoned() throws {
        let terminals = try Terminals()
        let first = try terminals.coordinator(
            "--workers", "1", "--set", "timeouts.rejoin=1", "--set", "checkpoint.every=0")
        let worker = try terminals.worker()
        try first.waitForLine(containing: "Epoch 0:")
        worker.send(signal: SIGKILL)
        try first.waitForLine(containing: "no workers are left; waiting 1 s for one to join")
        let ending = try first.wait()
        #expect(ending.status == 75, "\(ending)")
        #expect(ending.errors.contains("none came back within 1 s (timeouts.rejoin)"), "\(ending)")
        // No checkpoint is written by time: it is the one of the end.
        let folder = RunDirectory(existing: terminals.place.folder("run")).checkpoints
        let step = try #require(try folder.steps().first)
        #expect(step >= 50)

        let second = try terminals.coordinator("--workers", "1", "--resume")
        let other = try terminals.worker()
        let summary = try terminals.expectUndisturbed(second)
        #expect(summary.workersLost == 1 && summary.workersJoined == 2)
        #expect(try other.wait().status == 0)
    }

    @Test("A worker that is told to stop says so, and the coordinator saves at once, also before it waits for another")
    func preempted() throws {
        let terminals = try Terminals()
        let first = try terminals.coordinator("--workers", "2", "--set", "checkpoint.every=0")
        let workers = try [terminals.worker(), terminals.worker()]
        try first.waitForLine(containing: "Epoch 0:")
        workers[0].send(signal: SIGTERM)
        try first.waitForLine(containing: "left: asked to stop; 1 worker")
        try first.waitForLine(containing: "Checkpoint after step")
        workers[1].send(signal: SIGHUP)
        try first.waitForLine(containing: "no workers are left; waiting 60 s for one to join")
        try first.waitForLine(containing: "Checkpoint after step", count: 2)
        for (worker, signal) in zip(workers, ["SIGTERM", "SIGHUP"]) {
            let ending = try worker.wait()
            #expect(ending.status == (signal == "SIGTERM" ? 143 : 129), "\(ending)")
            #expect(ending.errorLines.last?.hasPrefix("Told to stop by \(signal)") == true, "\(ending)")
        }
        // What the checkpoint holds is all that is left.
        first.send(signal: SIGKILL)
        try first.wait()
        let second = try terminals.coordinator("--workers", "1", "--resume")
        let worker = try terminals.worker()
        let summary = try terminals.expectUndisturbed(second)
        #expect(second.errors.contains("Resuming ") && summary.workersLost == 0 && summary.workersJoined == 3)
        #expect(try worker.wait().status == 0)
    }

    @Test("Worker processes that are told to stop, or whose command is, end as their signal says")
    func stoppedGroup() throws {
        let terminals = try Terminals(epochs: 1)
        let coordinator = try terminals.coordinator("--workers", "1:5", "--epochs", "100000")
        let (group, other) = (try terminals.worker("--processes", "2"), try terminals.worker("--processes", "2"))
        try coordinator.waitForLine(containing: "joined; 4 workers")
        group.send(signal: SIGTERM)
        #expect(try group.wait().status == 143)
        for worker in other.workers where worker != other.processID { kill(worker, SIGTERM) }
        #expect(try other.wait().status == 143)
        #expect(group.orphans().isEmpty && other.orphans().isEmpty)
        // Waiting for its first coordinator, a worker stops as well.
        coordinator.send(signal: SIGKILL)
        try coordinator.wait()
        let waiting = try terminals.worker()
        try waiting.wait(until: "it catches signals") {
            try text(of: "/proc/\(waiting.processID)/status").split(separator: "\n")
                .contains { $0.hasPrefix("SigBlk:") && !$0.hasSuffix("0000000000000000") }
        }
        waiting.send(signal: SIGTERM)
        #expect(try waiting.wait().status == 143)
    }

    @Test("A coordinator that is told to stop does not wait for a worker that hangs: it finishes the step itself")
    func hangingWorker() throws {
        let terminals = try Terminals(epochs: 3)
        let first = try terminals.coordinator("--workers", "1", "--set", "checkpoint.every=0")
        let worker = try RunningProcess(
            ["worker", "--connect", terminals.endpoint], environment: ["LOCKSTEP_FAULT": "hang=100@60"],
            in: terminals.place.folder.path)
        try first.waitForLine(containing: "Epoch 0:")
        try first.wait(until: "the step hangs") {
            try Program.run(["status", terminals.endpoint], in: terminals.place.folder.path).output.contains("step 60")
        }
        first.send(signal: SIGTERM)
        let ending = try first.wait()
        #expect(ending.status == 143, "\(ending)")
        worker.send(signal: SIGKILL)
        let folder = RunDirectory(existing: terminals.place.folder("run")).checkpoints
        #expect(try folder.steps().first == 61)
        let second = try terminals.coordinator("--workers", "1", "--resume")
        let other = try terminals.worker()
        _ = try terminals.expectUndisturbed(second)
        #expect(try other.wait().status == 0)
    }

    @Test("A killed process of a worker command is replaced")
    func replaced() throws {
        let terminals = try Terminals(epochs: 12)
        let coordinator = try terminals.coordinator("--workers", "1:3")
        let group = try terminals.worker("--processes", "2")
        try coordinator.waitForLine(containing: "Epoch 0:")
        kill(try #require(group.workers.first { $0 != group.processID }), SIGKILL)
        let line = try group.waitForLine(
            containing: "another one starts in 0.2 s (replacement 1 of at most 10)")
        #expect(line.contains("signal 9 (Killed)"))
        try coordinator.waitForLine(containing: "joined", count: 3)
        let summary = try terminals.expectUndisturbed(coordinator)
        #expect(summary.workersLost == 1 && summary.workersJoined == 3)
        #expect(try group.wait().status == 0)
        #expect(group.orphans().isEmpty)
    }

    @Test("After the last allowed restart the other processes continue, and the command reports what happened")
    func limited() throws {
        let terminals = try Terminals()
        let coordinator = try terminals.coordinator("--workers", "1:3")
        let group = try terminals.worker("--processes", "2", "--max-restarts", "0")
        try coordinator.waitForLine(containing: "joined; 2 workers")
        kill(try #require(group.workers.first { $0 != group.processID }), SIGKILL)
        try group.waitForLine(containing: "is not replaced")
        let summary = try terminals.expectUndisturbed(coordinator)
        #expect(summary.workersJoined == 2)
        let ending = try group.wait()
        #expect(ending.status == 69)
        #expect(
            ending.errorLines.last?.contains("a worker process ended with signal 9 (Killed)") == true)
    }

    @Test("A worker without a log keeps its last events in a file, and names it")
    func eventFile() throws {
        let terminals = try Terminals(epochs: 1)
        let coordinator = try terminals.coordinator(
            "--workers", "1", "--epochs", "100000", "--set", "timeouts.rejoin=0.1")
        // Through a pipe: a standard error that is a file counts as a log.
        let worker = try RunningProcess(
            [
                "-o", "pipefail", "-c", "\"$0\" \"$@\" 2>&1 | cat", Program.path, "worker", "--connect",
                terminals.endpoint,
            ],
            executable: "/bin/bash",
            environment: ["TMPDIR": terminals.place.folder.path, "HOME": terminals.place.folder.path])
        try coordinator.waitForLine(containing: "Epoch 0:")
        coordinator.send(signal: SIGKILL)
        let ending = try worker.wait()
        #expect(ending.status == 69)
        let line = try #require(
            ending.output.split(separator: "\n").first { $0.contains("protocol events are in ") }, "\(ending)")
        let path = try #require(line.components(separatedBy: " are in ").last)
        #expect(path.hasPrefix(terminals.place.folder.path) && path.hasSuffix(".events"))
        let events = try text(of: path)
        #expect(events.contains("assigned(node ") && events.contains("disconnected"))
    }

    @Test("Worker processes end with their command; a stopped process ends when it continues")
    func orphans() throws {
        let terminals = try Terminals(epochs: 1)
        let coordinator = try terminals.coordinator("--workers", "1:3", "--epochs", "100000")
        let group = try terminals.worker("--processes", "2")
        try coordinator.waitForLine(containing: "joined; 2 workers")
        let stopped = try #require(group.descendants.first)
        kill(stopped, SIGSTOP)
        group.send(signal: SIGKILL)
        #expect(try group.wait().signal == SIGKILL)
        kill(stopped, SIGCONT)
        #expect(group.orphans().isEmpty)
    }
}
