import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import LockstepTraining
import Testing

@Suite("Runs that are interrupted and resumed", .serialized, .oneAtATime)
struct ResumeTests {
    @Test("A run that is killed again and again, with changing workers, ends with the undisturbed run's weights")
    func killed() throws {
        let workplace = try BrokenRuns()
        let often = ["--set", "checkpoint.every=0.01"]
        var step: UInt64 = 0
        for workers in [nil, "2", nil, "3"] {
            var arguments = often + (workers.map { ["--workers", $0] } ?? [])
            if step > 0 { arguments.append("--resume") }
            let process = try RunningProcess(
                ["train", "tiny.yaml", "--kernel", "portable", "--shards", "4", "--output", "run"] + arguments,
                in: workplace.folder.path)
            try workplace.waitForCheckpoint("run", of: process, after: step)
            process.send(signal: SIGKILL)
            #expect(try process.wait().signal == SIGKILL)
            #expect(process.orphans().isEmpty)
            step = try #require(try workplace.newestStep("run"))
        }
        try workplace.expectResumes("run", "--workers", "2")
        try workplace.expectResumes("run")
    }

    @Test(
        "A run that is asked to stop writes a checkpoint, says how to continue and leaves no process",
        arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGXCPU],
        [[], ["--workers", "2"]])
    func stopped(signal: Int32, workers: [String]) throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run", workers + ["--set", "checkpoint.every=0"])
        try process.waitForLine(containing: "Epoch 1:")
        process.send(signal: signal)
        let ending = try process.wait()
        #expect(ending.status == 128 + signal)
        #expect(process.orphans().isEmpty)
        #expect(ending.errors.contains("to continue, repeat the command with --resume --output run"))
        #expect(try workplace.summary("run").status == .interrupted)
        let step = try #require(try workplace.newestStep("run"))
        #expect(UInt64(try workplace.summary("run").steps) == step)
        try workplace.expectResumes("run")
    }

    @Test("After a second signal a run ends at once, even if its workers do not answer")
    func stoppedTwice() throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run", "--workers", "2")
        try process.waitForLine(containing: "Epoch 0:")
        for worker in process.workers { kill(worker, SIGSTOP) }
        // Two equal signals that arrive together would count as one.
        process.send(signal: SIGINT)
        process.send(signal: SIGTERM)
        #expect(try process.wait().status == 143)
        #expect(process.orphans().isEmpty)
    }

    @Test("SIGUSR1 requests a checkpoint, and the run continues")
    func request() throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run", "--set", "checkpoint.every=0")
        try process.waitForLine(containing: "Epoch 0:")
        #expect(try workplace.newestStep("run") == nil)
        process.send(signal: SIGUSR1)
        try workplace.waitForCheckpoint("run", of: process)
        let step = try #require(try workplace.newestStep("run"))
        process.send(signal: SIGUSR1)
        try workplace.waitForCheckpoint("run", of: process, after: step)
        process.send(signal: SIGKILL)
        #expect(try process.wait().signal == SIGKILL)
        try workplace.expectResumes("run", "--workers", "2")
    }

    @Test("A run directory that another process uses is not changed")
    func inUse() throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run")
        try process.waitForLine(containing: "Epoch 0:")
        let second = try workplace.run("run", "--resume")
        #expect(second.status == 75)
        #expect(
            second.errorLines == [
                "lockstep: run: in use by process \(process.processID); wait until it ends, or stop it"
            ])
    }

    @Test("A changed configuration is refused, key by key, and so are a missing run and a shorter one")
    func refusals() throws {
        let workplace = try BrokenRuns()
        #expect(try workplace.run("run", "--epochs", "2").status == 0)
        let changed = try workplace.run("run", "--resume", "--batch", "20", "--set", "optimizer.sgd.learning-rate=2")
        #expect(changed.status == 78)
        #expect(
            changed.errors.contains("optimizer.sgd.learning-rate (1.0 in the run, 2.0 now)")
                && changed.errors.contains("training.batch (10 in the run, 20 now)")
                && !changed.errors.contains("epochs"), "\(changed)")
        #expect(try workplace.run("run", "--resume", "--epochs", "1").status == 64)
        #expect(try workplace.run("elsewhere", "--resume").status == 66)
        // A finished run can be resumed again.
        let again = try workplace.run("run", "--resume", "--epochs", "2")
        #expect(again.status == 0 && again.errors.contains("Resuming run after step 100"), "\(again)")
        #expect(again.errors.contains("The run has trained 2 epochs, all that it is asked for; to train on, give more"))
        #expect(again.errors.contains("; one process, 4 shards, ") && !again.output.contains("worker"), "\(again)")
        let spare = try workplace.run("run", "--resume", "--epochs", "2", "--workers", "5")
        #expect(
            spare.errors.contains(
                "The run has 4 shards, which a resumed run keeps: of 5 workers, 1 has no gradients to compute"),
            "\(spare)")
        #expect(!spare.output.contains("lockstep bench"), "\(spare)")
    }

    @Test("Without --output, the newest run with this name is resumed and named")
    func newest() throws {
        let workplace = try BrokenRuns()
        for _ in 0..<2 {
            #expect(try Program.run(["train", "tiny.yaml", "--epochs", "1"], in: workplace.folder.path).status == 0)
        }
        let resumed = try Program.run(["train", "tiny.yaml", "--epochs", "2", "--resume"], in: workplace.folder.path)
        #expect(resumed.status == 0)
        let runs = try FileManager.default.contentsOfDirectory(atPath: workplace.folder("runs")).sorted()
        #expect(runs.count == 2)
        let newest = try #require(RunDirectory.newest(named: "tiny", parent: workplace.folder("runs")))
        #expect(resumed.errors.contains("Resuming runs/\((newest.path as NSString).lastPathComponent) after step 50"))
    }

    @Test("Damaged checkpoints are named, and an older one gives the same weights; if all are damaged, none is used")
    func damage() throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run", "--set", "checkpoint.every=0.01")
        var step: UInt64 = 0
        for _ in 0..<3 {
            try workplace.waitForCheckpoint("run", of: process, after: step)
            step = try #require(try workplace.newestStep("run"))
        }
        process.send(signal: SIGKILL)
        try process.wait()
        let steps = try workplace.directory("run").checkpoints.steps()
        let newest = workplace.directory("run").checkpoints.file(ofStep: try #require(steps.first))
        #expect(truncate(newest, 1_000) == 0)
        let epochs = try workplace.epochs(beyond: "run")
        let resumed = try workplace.run("run", "--resume", "--epochs", "\(epochs)")
        #expect(resumed.status == 0)
        #expect(resumed.errorLines.contains { $0.contains("step-\(steps[0]).safetensors: ") })
        #expect(resumed.errors.contains("Resuming run after step"))
        #expect(try workplace.run("whole", "--epochs", "\(epochs)").status == 0)
        #expect(try workplace.summary("run").weightsSHA256 == workplace.summary("whole").weightsSHA256)

        for step in try workplace.directory("run").checkpoints.steps() {
            #expect(truncate(workplace.directory("run").checkpoints.file(ofStep: step), 10) == 0)
        }
        let none = try workplace.run("run", "--resume", "--epochs", "\(epochs)")
        #expect(none.status == 65)
        #expect(none.errors.contains("no checkpoint in run/checkpoints is intact"))
    }

    @Test("A run that was killed before its first checkpoint starts again in its directory")
    func early() throws {
        let workplace = try BrokenRuns()
        let process = try workplace.start("run", "--set", "checkpoint.every=0")
        try process.waitForLine(containing: "Epoch 0:")
        process.send(signal: SIGKILL)
        try process.wait()
        let resumed = try workplace.run("run", "--resume", "--epochs", "2")
        #expect(resumed.status == 0)
        #expect(resumed.errors.contains("which has no checkpoint yet"))
        #expect(try workplace.run("whole", "--epochs", "2").status == 0)
        #expect(try workplace.summary("run").weightsSHA256 == workplace.summary("whole").weightsSHA256)
        let lines = try text(of: workplace.directory("run").metrics).split(separator: "\n")
        #expect(lines.count { $0.contains(#""type":"epoch""#) } == 2)
    }

    @Test("With zero epochs the run saves the initial model; without evaluation there is no best model")
    func degenerate() throws {
        let workplace = try BrokenRuns()
        #expect(try workplace.run("none", "--epochs", "0").status == 0)
        #expect(FileManager.default.fileExists(atPath: workplace.directory("none").model))
        #expect(!FileManager.default.fileExists(atPath: workplace.directory("none").bestModel))
        #expect(try workplace.summary("none").steps == 0)
        #expect(try workplace.run("none", "--epochs", "2", "--resume").status == 0)
        #expect(try workplace.run("blind", "--epochs", "2", "--set", "evaluation.every=0").status == 0)
        #expect(!FileManager.default.fileExists(atPath: workplace.directory("blind").bestModel))
        #expect(try workplace.summary("blind").weightsSHA256 == workplace.summary("none").weightsSHA256)
    }

    @Test(
        "On a full disk a run continues, and ends with status 74 if its model cannot be written",
        .enabled(if: canMount()))
    func fullDisk() throws {
        let workplace = try BrokenRuns()
        let disk = try SmallDisk(workplace.folder("disk"), bytes: 1 << 20)
        let process = try workplace.start("disk/run", "--set", "checkpoint.every=0.01")
        try workplace.waitForCheckpoint("disk/run", of: process)
        try disk.fill()
        try process.waitForLine(containing: "No space left on device")
        try process.waitForLine(containing: "Epoch", count: 3)
        process.send(signal: SIGTERM)
        let ending = try process.wait()
        #expect(ending.status == 74, "\(ending)")
        #expect(ending.errorLines.last?.contains("No space left on device; free some space") == true)
        disk.clear()
        try workplace.expectResumes("disk/run")
    }
}
