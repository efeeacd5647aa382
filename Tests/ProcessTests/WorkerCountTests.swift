import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepTesting
import Testing

/// `--workers auto`: the number of workers changes, the weights do not.
@Suite("The fastest number of workers", .serialized, .oneAtATime)
struct WorkerCountTests {
    @Test("The weights are those of one process with as many shards, and the decisions follow from the recorded events")
    func sameWeights() throws {
        let place = try Workplace(epochs: 20)
        let record = place.folder("events")
        let summary = try place.train(["--workers", "auto", "--record-events", record])
        #expect(summary.workers == summary.shards)
        #expect((0...summary.workers).contains(summary.activeWorkers))
        let options = ["--shards", "\(summary.shards)"]
        #expect(try place.weights(options) == summary.weightsSHA256)
        #expect(try place.weights(options + ["--workers", "auto", "--transport", "inline"]) == summary.weightsSHA256)
        #expect(try place.weights(options + ["--workers", "auto", "--audit", "0.5"]) == summary.weightsSHA256)
        let replay = try bytes(of: record).withUnsafeBytes { try EventReplay.run($0) }
        // A coordinator that computes alone does not record every step.
        #expect(replay.steps > 0 && replay.steps <= summary.steps)
    }

    @Test("If a step is tiny, the coordinator computes alone, reports it, and needs no worker")
    func alone() throws {
        let place = try Workplace(epochs: 400, batch: 2)
        let output = place.output()
        let run = try RunningProcess(
            ["train", place.configuration, "--output", output, "--workers", "auto", "--shards", "2"]
                + ["--set", "evaluation.every=100", "--max-restarts", "0"], in: place.folder.path)
        let choice = try run.waitForLine(containing: "Fastest: ")
        #expect(choice.contains("the coordinator alone"))
        for worker in run.workers { kill(worker, SIGKILL) }
        let result = try run.wait()
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("  one process  "))
        let summary = try RunSummary(run: output)
        #expect(summary.activeWorkers == 0 && summary.workersLost > 0)
        #expect(summary.weightsSHA256 == (try place.weights(["--shards", "2", "--set", "evaluation.every=100"])))
    }

    @Test("A run is resumed from a checkpoint with another number of workers, which may change")
    func resumed() throws {
        let place = try Workplace(epochs: 4)
        let output = place.output()
        let first = try Program.run(
            ["train", place.configuration, "--output", output, "--workers", "auto", "--shards", "3", "--epochs", "2"],
            in: place.folder.path)
        #expect(first.status == 0, "\(first)")
        let second = try Program.run(
            ["train", place.configuration, "--output", output, "--workers", "auto", "--resume"], in: place.folder.path)
        #expect(second.status == 0, "\(second)")
        #expect(try RunSummary(run: output).weightsSHA256 == (try place.weights(["--shards", "3"])))
    }
}
