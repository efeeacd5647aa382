import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// A folder with a tiny data set and its configuration, for runs that are started, interrupted and resumed.
struct BrokenRuns {
    let folder: TemporaryFolder

    init() throws {
        folder = try Workplace(epochs: 1_000_000).folder
    }

    private func arguments(_ output: String, _ more: [String]) -> [String] {
        ["train", "tiny.yaml", "--kernel", "portable", "--shards", "4", "--output", output] + more
    }

    /// A run that continues until the test ends it.
    func start(_ output: String, _ more: String...) throws -> RunningProcess {
        try start(output, more)
    }

    func start(_ output: String, _ more: [String]) throws -> RunningProcess {
        try RunningProcess(arguments(output, more), in: folder.path)
    }

    /// A run to its end.
    func run(_ output: String, _ more: String...) throws -> FinishedProcess {
        try Program.run(arguments(output, more), in: folder.path)
    }

    func directory(_ output: String) -> RunDirectory { RunDirectory(existing: folder(output)) }

    func newestStep(_ output: String) throws -> UInt64? { try directory(output).checkpoints.steps().first }

    /// The number of epochs, of 50 steps each, with which a run continues a little beyond its newest checkpoint.
    func epochs(beyond output: String) throws -> Int {
        Int(try #require(try newestStep(output)) / 50) + 2
    }

    func summary(_ output: String) throws -> RunSummary { try RunSummary(run: folder(output)) }

    /// Waits for a checkpoint of a later step than `step`.
    func waitForCheckpoint(_ output: String, of process: RunningProcess, after step: UInt64 = 0) throws {
        try process.wait(until: "there is a checkpoint after step \(step)") {
            try newestStep(output) ?? 0 > step
        }
    }

    /// Resumes a run for a little, and expects the results of an undisturbed run with the same number of epochs.
    func expectResumes(_ output: String, _ more: String...) throws {
        let epochs = "\(try epochs(beyond: output))"
        let resumed = try Program.run(arguments(output, ["--resume", "--epochs", epochs] + more), in: folder.path)
        #expect(resumed.status == 0, "\(resumed)")
        let reference = "whole-\(epochs)"
        if !FileManager.default.fileExists(atPath: folder(reference)) {
            #expect(try run(reference, "--epochs", epochs).status == 0)
        }
        let (summary, whole) = (try summary(output), try summary(reference))
        #expect(summary.weightsSHA256 == whole.weightsSHA256)
        #expect(summary.epochs.map(\.weightsSHA256) == whole.epochs.map(\.weightsSHA256))
        #expect(summary.epochs.map(\.correct) == whole.epochs.map(\.correct))
        #expect(summary.steps == whole.steps && summary.status == .finished)
        #expect(
            try bytes(of: directory(output).bestModel) == bytes(of: directory(reference).bestModel),
            "best.safetensors differs")
    }
}
