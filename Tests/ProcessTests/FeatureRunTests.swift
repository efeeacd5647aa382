import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// All features of training at once, in real processes that share memory. The workers, and how often a run is
/// interrupted, change no bit.
@Suite("Runs with all features of training", .serialized, .oneAtATime)
struct FeatureRunTests {
    static let features = """
        network: { sizes: [36, 12, 8, 4], activation: relu, output: softmax, initializer: he }
        cost: cross-entropy
        training: { epochs: 3, batch: 10, seed: 1 }
        optimizer: { adamw: { learning-rate: 0.01, weight-decay: 0.02 } }
        schedule: { one-cycle: { warm-up: 0.2 } }
        regularization: { dropout: 0.2, input-dropout: 0.1, label-smoothing: 0.05, average: 0.9 }
        augmentation: { shift: 1, rotation: 10, scale: 0.1, shear: 0.1, elastic: 0.5, smoothness: 3 }

        """

    @Test("One process, four workers and three workers for four shards end with the same weights")
    func workers() throws {
        let folder = try Self.workplace()
        let whole = try Self.run(in: folder, "whole", ["--shards", "4"])
        for (output, options) in [("four", ["--workers", "4"]), ("three", ["--workers", "3", "--shards", "4"])] {
            try Self.expect(Self.run(in: folder, output, options), equals: whole)
        }
        let plain = try Self.run(
            in: folder, "plain",
            ["--shards", "4", "--set", "regularization={average: 0.9}", "--set", "augmentation={}"])
        #expect(plain.weightsSHA256 != whole.weightsSHA256, "dropout, smoothing and altered images change nothing")
    }

    @Test("Killed between two checkpoints and resumed by others, such a run ends with the undisturbed run's weights")
    func resumed() throws {
        let folder = try Self.workplace(epochs: 60)
        let whole = try Self.run(in: folder, "whole", ["--shards", "4"])
        let run = RunDirectory(existing: folder("run"))
        let process = try RunningProcess(
            Self.arguments("run", ["--workers", "2", "--shards", "4", "--set", "checkpoint.every=0.01"]),
            in: folder.path)
        try process.wait(until: "there is a checkpoint") { try run.checkpoints.steps().first ?? 0 > 0 }
        process.send(signal: SIGKILL)
        #expect(try process.wait().signal == SIGKILL, "it had come to its end")
        let step = try #require(try run.checkpoints.steps().first)
        #expect(step < 3_000)
        try Self.expect(Self.run(in: folder, "run", ["--resume", "--workers", "3"]), equals: whole)
    }

    /// Updates that wait for the whole gradient, and a run that depends on its evaluations.
    static let followingFeatures = """
        network: { sizes: [36, 12, 8, 4], activation: tanh, output: softmax, initializer: xavier }
        cost: cross-entropy
        training: { epochs: 3, batch: 20, seed: 2, clip-norm: 0.4, early-stopping: { patience: 9 } }
        optimizer: { rmsprop: { learning-rate: 0.003, alpha: 0.9, momentum: 0.5, weight-decay: 0.01 } }
        schedule: { reduce-on-plateau: { factor: 0.5, patience: 2, minimum: 0.01 } }
        evaluation: { training: 300 }

        """

    @Test("Clipped gradients and a rate that follows evaluations: the same weights, rates and end with any workers")
    func followed() throws {
        let folder = try Self.workplace(Self.followingFeatures, epochs: 60)
        let whole = try Self.run(in: folder, "whole", ["--shards", "4", "--set", "data.training=400"])
        #expect(whole.stoppedEarly == true && whole.epochs.count < 60 && whole.epochs.count > 9)
        #expect(Set(whole.epochs.map(\.learningRate)).count > 2)
        #expect(whole.epochs.allSatisfy { $0.trainingTotal == 400 })
        for (output, options) in [
            ("four", ["--workers", "4"]), ("three", ["--workers", "3", "--shards", "4", "--transport", "inline"]),
            ("audited", ["--workers", "2", "--shards", "4", "--audit", "0.5"]),
        ] {
            let run = try Self.run(in: folder, output, options + ["--set", "data.training=400"])
            try Self.expect(run, equals: whole)
            #expect(run.epochs.map(\.learningRate) == whole.epochs.map(\.learningRate))
            #expect(run.epochs.map(\.trainingCorrect) == whole.epochs.map(\.trainingCorrect))
            #expect(run.stoppedEarly == true && run.selectedEpoch == whole.selectedEpoch)
        }
        let free = try Self.run(
            in: folder, "free", ["--shards", "4", "--set", "data.training=400", "--set", "training.clip-norm=null"])
        #expect(free.weightsSHA256 != whole.weightsSHA256, "the norm limits nothing")
    }

    @Test("Killed and resumed, a run that follows its evaluations decides as the undisturbed run does")
    func resumedFollowed() throws {
        let folder = try Self.workplace(Self.followingFeatures, epochs: 60)
        let endless = ["--set", "training.early-stopping.patience=1000"]
        let whole = try Self.run(in: folder, "whole", ["--shards", "4"] + endless)
        let run = RunDirectory(existing: folder("run"))
        let process = try RunningProcess(
            Self.arguments("run", ["--workers", "2", "--shards", "4", "--set", "checkpoint.every=0.01"] + endless),
            in: folder.path)
        try process.wait(until: "there is a checkpoint") { try run.checkpoints.steps().first ?? 0 > 100 }
        process.send(signal: SIGKILL)
        #expect(try process.wait().signal == SIGKILL, "it had come to its end")
        let resumed = try Self.run(in: folder, "run", ["--resume", "--workers", "3"] + endless)
        try Self.expect(resumed, equals: whole)
        #expect(resumed.epochs.map(\.learningRate) == whole.epochs.map(\.learningRate))
        // What has been trained stays, and less patience ends the run at once.
        let ended = try Self.run(in: folder, "run", ["--resume", "--set", "training.early-stopping.patience=1"])
        #expect(ended.weightsSHA256 == whole.weightsSHA256 && ended.steps == whole.steps)
        let rarer = try Program.run(
            Self.arguments("run", ["--resume", "--set", "evaluation.every=2"] + endless), in: folder.path)
        #expect(rarer.status == 78 && rarer.errors.contains("evaluation.every (1 in the run, 2 now)"), "\(rarer)")
    }

    private static func workplace(_ features: String = features, epochs: Int = 3) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        let dataset = TinyDataset()
        try dataset.write(to: folder)
        let data = dataset.configuration().components(separatedBy: "network:")[0]
        try folder.write(
            text: data + features.replacingOccurrences(of: "epochs: 3", with: "epochs: \(epochs)"), to: "tiny.yaml")
        return folder
    }

    private static func arguments(_ output: String, _ options: [String]) -> [String] {
        ["train", "tiny.yaml", "--kernel", "portable", "--output", output] + options
    }

    private static func run(in folder: TemporaryFolder, _ output: String, _ options: [String]) throws -> RunSummary {
        let run = try Program.run(arguments(output, options), in: folder.path)
        #expect(run.status == 0, "\(run)")
        return try RunSummary(run: folder(output))
    }

    private static func expect(_ summary: RunSummary, equals whole: RunSummary) throws {
        #expect(summary.weightsSHA256 == whole.weightsSHA256)
        #expect(summary.epochs.map(\.weightsSHA256) == whole.epochs.map(\.weightsSHA256))
        #expect(summary.epochs.map(\.correct) == whole.epochs.map(\.correct))
        #expect(summary.steps == whole.steps)
    }
}
