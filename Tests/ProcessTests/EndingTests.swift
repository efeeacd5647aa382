import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// However a run ends, it leaves no process and no temporary file.
@Suite("Endings", .serialized, .oneAtATime)
struct EndingTests {
    @Test("A run that ends by itself leaves its run directory and nothing else")
    func normal() throws {
        let place = try Workplace()
        try FileManager.default.createDirectory(atPath: place.folder("sockets"), withIntermediateDirectories: false)
        let output = place.output()
        let run = try RunningProcess(
            ["train", "tiny.yaml", "--workers", "2", "--output", output],
            environment: ["XDG_RUNTIME_DIR": place.folder("sockets")], in: place.folder.path)
        #expect(try run.wait().status == 0)
        #expect(run.orphans().isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder("sockets")).isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: output)
        for name in ["config.yaml", "model.safetensors", "best.safetensors", "metrics.jsonl", "summary.json"] {
            #expect(names.contains(name))
        }
    }

    @Test("Local workers end when their coordinator is killed")
    func killedCoordinator() throws {
        let place = try Workplace(epochs: 1_000_000)
        let run = try RunningProcess(["train", "tiny.yaml", "--workers", "3"], in: place.folder.path)
        try run.waitForLine(containing: "Epoch 0:")
        #expect(run.workers.count == 3)
        run.send(signal: SIGKILL)
        #expect(try run.wait().signal == SIGKILL)
        #expect(run.orphans().isEmpty)
    }

    @Test("A stopped worker also ends with its coordinator, when it continues")
    func stoppedWorker() throws {
        let place = try Workplace(epochs: 1_000_000)
        let run = try RunningProcess(["train", "tiny.yaml", "--workers", "2"], in: place.folder.path)
        try run.waitForLine(containing: "Epoch 0:")
        let worker = try #require(run.workers.first)
        kill(worker, SIGSTOP)
        run.send(signal: SIGKILL)
        _ = try run.wait()
        kill(worker, SIGCONT)
        #expect(run.orphans().isEmpty)
    }

    @Test("A run with numbers that are not finite names step and remedy, and saves no model")
    func notFinite() throws {
        let place = try Workplace()
        for workers in [[], ["--workers", "2"]] {
            let output = place.output()
            let run = try RunningProcess(
                ["train", "tiny.yaml", "--output", output, "--set", "optimizer.sgd.learning-rate=1e300"] + workers,
                in: place.folder.path)
            let result = try run.wait()
            #expect(result.status == 70, "\(result)")
            #expect(result.errorLines.last?.hasPrefix("lockstep: step 0 (epoch 0): ") == true, "\(result)")
            #expect(result.errorLines.last?.contains("smaller learning rate") == true, "\(result)")
            #expect(run.orphans().isEmpty)
            for name in ["best.safetensors", "model.safetensors"] {
                #expect(!FileManager.default.fileExists(atPath: "\(output)/\(name)"))
            }
        }
    }

    @Test(
        "The shard with a loss that is not finite is named, and the worker that computed it", arguments: [false, true])
    func notFiniteShard(isDistributed: Bool) throws {
        let place = try Workplace()
        // The first step gives weights of 1e30, whose products overflow in the second.
        let run = try RunningProcess(
            [
                "train", "tiny.yaml", "--output", place.output(), "--set", "optimizer.sgd.learning-rate=1e30",
                "--set", "network.activation=relu", "--set", "cost=cross-entropy",
            ] + (isDistributed ? ["--workers", "2"] : ["--shards", "2"]), in: place.folder.path)
        let result = try run.wait()
        #expect(result.status == 70, "\(result)")
        let line = try #require(result.errorLines.last)
        let origin = isDistributed ? #", computed by worker [12] \(\S+, pid [0-9]+\),"# : ""
        let pattern = try Regex(
            #"lockstep: step 1 \(epoch 0\): the loss of shard [01] of 2"# + origin
                + " is not a finite number; try a smaller learning rate")
        #expect(line.wholeMatch(of: pattern) != nil, "\(line)")
    }
}
