import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// A failed run reports its first cause and keeps its last events.
@Suite("First causes", .serialized, .oneAtATime)
struct FirstCauseTests {
    private func train(_ place: Workplace, _ options: [String], fault: String? = "slow=4") throws
        -> RunningProcess
    {
        try RunningProcess(
            ["train", place.configuration, "--output", place.folder("run")] + options,
            environment: fault.map { ["LOCKSTEP_FAULT": $0] } ?? [:], in: place.folder.path)
    }

    @Test(
        "The worker that died first is named with its signal, step and last log lines; the others follow"
    )
    func killed() throws {
        let place = try Workplace(epochs: 100_000)
        let run = try train(place, ["--workers", "3", "--max-restarts", "0"])
        try run.waitForLine(containing: "Epoch 3:")
        let workers = run.workers
        try #require(workers.count == 3)
        kill(workers[1], SIGSEGV)
        try run.waitForLine(containing: "is not replaced")
        kill(workers[0], SIGKILL)
        try run.waitForLine(containing: "is not replaced", count: 2)
        kill(workers[2], SIGKILL)
        let ending = try run.wait()
        #expect(ending.status == 69, "\(ending)")
        let cause = try #require(ending.errorLines.first { $0.contains("first cause: ") }, "\(ending)")
        #expect(cause.contains("in step ") && cause.contains("pid \(workers[1])"), "\(cause)")
        #expect(cause.contains("was lost: signal 11 (Segmentation fault)"), "\(cause)")
        let lines = ending.errorLines
        let start = try #require(lines.firstIndex(of: cause))
        #expect(lines[start + 1].contains("its last log lines, in \(place.folder("run"))/worker-"))
        #expect(lines[start + 2].contains("Joined the run as worker"))
        let rest = lines[start...].drop { !$0.contains("what followed:") }.dropFirst()
        let followed = rest.prefix { $0.contains(" was lost: ") }
        #expect(followed.count == 2, "\(ending)")
        #expect(followed.first?.contains("pid \(workers[0])") == true)
        #expect(followed.last?.contains("pid \(workers[2])") == true)

        let events = try text(of: RunDirectory(existing: place.folder("run")).coordinatorEvents)
        #expect(events.split(separator: "\n").count == 1_000)
        #expect(events.contains("peerLost(") && events.contains("assign("))
    }

    @Test("The failure report of a run contains the last log lines of a worker that was started by hand")
    func remote() throws {
        let place = try Workplace(epochs: 100_000)
        let run = try RunningProcess(
            [
                "coordinator", place.configuration, "--workers", "1", "--output", place.folder("run"), "--bind",
                "tcp://127.0.0.1:0", "--set", "timeouts.rejoin=0.5",
            ], in: place.folder.path)
        let endpoint = try run.listeningEndpoint()
        let worker = try RunningProcess(
            ["worker", "--connect", endpoint, "--transport", "inline"],
            environment: ["LOCKSTEP_FAULT": "fail@120", "LOCKSTEP_CACHE": place.folder("cache")], in: place.folder.path)
        let gone = try worker.wait()
        #expect(gone.status == 71, "\(gone)")
        let ending = try run.wait()
        #expect(ending.status == 75, "\(ending)")
        let lines = ending.errorLines
        let start = try #require(lines.firstIndex { $0.contains("first cause: ") }, "\(ending)")
        #expect(lines[start].contains("in step 120 worker 1 ("))
        #expect(
            lines[start].hasSuffix(
                ", pid \(worker.processID)) failed: cannot compute node 1 of step 120: Input/output error"),
            "\(ending)")
        #expect(lines[start + 1] == "lockstep:   its last log lines, as it sent them:")
        #expect(lines[start + 2].hasPrefix("lockstep:     Fetching the data set from the coordinator: "))
        #expect(lines[start + 3] == "lockstep:     Joined the run as worker 1")
    }

    @Test("A fault that the run has recovered from is not reported as the cause of a later one")
    func recovered() throws {
        let place = try Workplace(epochs: 100_000)
        let run = try train(place, ["--workers", "2", "--max-restarts", "1"])
        try run.waitForLine(containing: "Epoch 0:")
        let first = try #require(run.workers.first)
        kill(first, SIGKILL)
        try run.waitForLine(containing: "joined; 2 workers", count: 2)
        let workers = run.workers
        for worker in workers { kill(worker, SIGABRT) }
        let ending = try run.wait()
        #expect(ending.status == 69, "\(ending)")
        let cause = try #require(ending.errorLines.first { $0.contains("first cause: ") }, "\(ending)")
        #expect(!cause.contains("pid \(first)") && cause.contains("signal 6 (Aborted)"), "\(cause)")
    }

    @Test("Workers of a run that fails keep their last events in their logs")
    func workers() throws {
        let place = try Workplace()
        let run = try train(
            place, ["--workers", "2", "--set", "optimizer.sgd.learning-rate=1e300"], fault: nil)
        #expect(try run.wait().status == 70)
        for worker in 0..<2 {
            let log = try text(of: "\(place.folder("run"))/worker-\(worker).log")
            #expect(
                log.contains("event: ") && log.contains("welcomed(") && log.contains("dismissed("), "\(log)"
            )
        }
        #expect(
            try text(of: RunDirectory(existing: place.folder("run")).coordinatorEvents).contains(
                "beginStep("))
    }

    @Test("A summary counts what was restarted, duplicated, audited and quarantined")
    func counts() throws {
        let place = try Workplace(epochs: 4)
        let run = try train(
            place, ["--workers", "3", "--audit", "1", "--shards", "4"], fault: "flip@60#1")
        try run.waitForLine(containing: "computed a wrong result")
        let ending = try run.wait()
        #expect(ending.status == 0, "\(ending)")
        var summary = try RunSummary(run: place.folder("run"))
        #expect(
            summary.quarantined == 1 && summary.restarts == 0 && summary.stepsAudited == summary.steps)
        #expect(ending.output.contains("Audited: 200 steps; workers found wrong: 1"), "\(ending)")

        let other = try Workplace(epochs: 4)
        let slow = try train(other, ["--workers", "3", "--shards", "4"], fault: "slow=60@10#2")
        try slow.waitForLine(containing: "Epoch 0:")
        kill(try #require(slow.workers.first), SIGKILL)
        #expect(try slow.wait().status == 0)
        summary = try RunSummary(run: other.folder("run"))
        #expect(summary.restarts == 1 && summary.quarantined == 0 && summary.stepsAudited == 0)
        #expect(summary.duplicates ?? 0 >= 1)
    }
}
