import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `lockstep sweep` with real processes.
@Suite("Sweeps", .serialized, .oneAtATime)
struct SweepTests {
    private func sweep(_ place: Workplace, _ arguments: String...) throws -> FinishedProcess {
        try Program.run(
            ["sweep", place.configuration, "--kernel", "portable", "--output", "sweep"] + arguments,
            in: place.folder.path
        )
    }

    /// The inode numbers of the summaries: a run that is trained again replaces its own.
    private func summaries(_ place: Workplace, _ runs: [String]) throws -> [UInt64] {
        try runs.map { run in
            let attributes = try FileManager.default.attributesOfItem(atPath: place.folder("sweep/\(run)/summary.json"))
            return attributes[.systemFileNumber] as? UInt64 ?? 0
        }
    }

    @Test("A sweep trains every combination, compares them, and goes on with more values without repeating a run")
    func combinations() throws {
        let place = try Workplace()
        let rate = "optimizer.sgd.learning-rate"
        let first = try sweep(place, "--set", "\(rate)=0.1,3", "--set", "training.seed=1..2", "--jobs", "2")
        #expect(first.status == 0, "\(first)")
        let names = ["0.1-seed-1", "0.1-seed-2", "3-seed-1", "3-seed-2"].map { "learning-rate-\($0)" }
        for name in names {
            #expect(first.output.contains("\n\(name) "), "\(first)")
            #expect(try RunSummary(run: place.folder("sweep/\(name)")).status == .finished)
        }
        #expect(first.output.contains("Over the seeds"))
        #expect(first.output.contains("Best on the validation samples: learning-rate "))
        let page = try text(of: place.folder("sweep/comparison.html"))
        #expect(page.contains("learning-rate 0.1, seed 1") && page.contains("learning-rate 3.0, seed 2"))

        let before = try summaries(place, names)
        let second = try sweep(place, "--set", "\(rate)=0.1,1,3", "--set", "training.seed=1..2")
        #expect(second.status == 0, "\(second)")
        #expect(second.errors.contains("6 runs in sweep, of which 4 have finished before"), "\(second)")
        #expect(try summaries(place, names) == before)

        let report = try Program.run(["report", "sweep"], in: place.folder.path)
        #expect(report.status == 0 && report.output.contains("\nlearning-rate-1-seed-2 "), "\(report)")

        let other = try sweep(
            place, "--set", "\(rate)=0.1,3", "--set", "training.seed=1..2", "--set", "training.batch=20")
        #expect(other.status == 78 && other.errors.contains("training.batch (10 in the run, 20 now)"), "\(other)")
    }

    @Test("A run that fails is named with its log, and the others are trained")
    func failure() throws {
        let place = try Workplace()
        let result = try sweep(place, "--set", "network.sizes=[36,8,4],[35,8,4]", "--jobs", "1")
        #expect(result.status == 70, "\(result)")
        #expect(result.errors.contains("sizes [35,8,4]: exit status 78; see sweep/sizes-35-8-4.log"), "\(result)")
        #expect(result.errors.contains("1 run of 2 failed"))
        #expect(try RunSummary(run: place.folder("sweep/sizes-36-8-4")).status == .finished)
        #expect(try !bytes(of: place.folder("sweep/sizes-35-8-4.log")).isEmpty)
    }

    @Test("A signal ends the runs with a checkpoint, and the sweep goes on from there to the same weights")
    func interrupted() throws {
        let place = try Workplace(epochs: 400)
        let arguments = [
            "sweep", place.configuration, "--kernel", "portable", "--output", "sweep", "--set", "training.seed=1..3",
            "--jobs", "2",
        ]
        let process = try RunningProcess(arguments, in: place.folder.path)
        try process.wait(until: "a run has had an epoch") {
            FileManager.default.fileExists(atPath: place.folder("sweep/seed-2/best.safetensors"))
        }
        process.send(signal: SIGTERM)
        let ending = try process.wait()
        #expect(ending.status == 143, "\(ending)")
        #expect(process.orphans().isEmpty)
        #expect(ending.errors.contains("to continue, repeat the command with --output sweep"), "\(ending)")
        let result = try Program.run(arguments, in: place.folder.path)
        #expect(result.status == 0, "\(result)")
        let alone = try place.train(["--kernel", "portable", "--set", "training.seed=2"])
        #expect(try RunSummary(run: place.folder("sweep/seed-2")).weightsSHA256 == alone.weightsSHA256)
    }

    @Test("The runs of a sweep that is killed end with it")
    func killed() throws {
        let place = try Workplace(epochs: 100_000)
        let process = try RunningProcess(
            ["sweep", place.configuration, "--output", "sweep", "--set", "training.seed=1..2"], in: place.folder.path)
        try process.wait(until: "a run has begun") {
            FileManager.default.fileExists(atPath: place.folder("sweep/seed-1/config.yaml"))
        }
        process.send(signal: SIGKILL)
        #expect(try process.wait().signal == SIGKILL)
        #expect(process.orphans().isEmpty)
    }
}
