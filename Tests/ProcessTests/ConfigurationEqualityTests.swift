import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import LockstepTraining
import Testing

/// The configurations of the folder `config`, as they are: their first steps end with the weights of one process, whatever
/// computes them.
///
/// `scripts/check-deep configurations` tries all files in all ways; by default two of them are tried in two ways.
@Suite(
    "Configurations that come with the program", .serialized, .oneAtATime,
    .enabled(if: Workplace.hasMNIST, "scripts/fetch-data mnist fetches the data set"))
struct ConfigurationEqualityTests {
    private static let folder = "\(Program.root)/config"
    private static let steps = 200
    private static let shards = ["--shards", "4"]
    /// The most time that a run may take. It is generous: it only ends a test that hangs.
    private static let limit = Duration.seconds(1_800)

    /// Names of configurations, with commas, or "all"; nil for the short form.
    private static let deep = ProcessInfo.processInfo.environment["LOCKSTEP_DEEP_FILES"]

    /// The names of the files, without their ending.
    static var names: [String] {
        switch deep {
        case nil: return ["mnist-30", "mnist-conv"]
        case "all":
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(".yaml".count)) }.sorted()
        case .some(let list): return list.split(separator: ",").map(String.init)
        }
    }

    /// A way to train.
    private struct Way {
        let workers: String
        let transport: String
        var disturbance = Disturbance.none

        enum Disturbance {
            case none
            /// A worker is killed.
            case killedWorker
            /// The coordinator gets a signal, and the run is resumed with other workers and the other transport.
            case interrupted(signal: Int32, thenWorkers: String)
        }

        var options: [String] { ["--workers", workers, "--transport", transport] }

        var name: String { "\(workers) workers, \(transport), \(disturbance)" }
    }

    private static var ways: [Way] {
        let short = [
            Way(workers: "3", transport: "shared", disturbance: .killedWorker),
            Way(
                workers: "2", transport: "inline", disturbance: .interrupted(signal: SIGTERM, thenWorkers: "1")),
        ]
        guard deep != nil else { return short }
        return [
            Way(workers: "1", transport: "shared"), Way(workers: "2", transport: "shared-sockets"),
            Way(workers: "2", transport: "inline"), Way(workers: "3", transport: "inline"),
            Way(workers: "3", transport: "inline", disturbance: .killedWorker),
            Way(workers: "2", transport: "shared", disturbance: .interrupted(signal: SIGKILL, thenWorkers: "3")),
        ] + short
    }

    /// The options with which a run of a configuration ends after ``steps`` steps. The last mini-batch of an epoch is a short
    /// one. Nothing is evaluated, unless the learning rate follows evaluations.
    private static func options(of configuration: RunConfiguration) throws -> [String] {
        let batch = configuration.training.batch
        // MNIST has 50,000 training samples.
        let perEpoch = (1...steps).last { steps.isMultiple(of: $0) && $0 * batch <= 50_000 } ?? 1
        var settings = ["data.training=\(perEpoch * batch - batch / 2)"]
        if !configuration.isScheduleFollowingValidation {
            settings.append("evaluation.every=0")
            if configuration.training.earlyStoppingPlateau != nil {
                settings.append("training.early-stopping.patience=null")
            }
        }
        return settings.flatMap { ["--set", $0] } + ["--epochs", "\(steps / perEpoch)"]
    }

    @Test("The first 200 steps: any workers and transport, a killed worker, an interruption", arguments: names)
    func firstSteps(name: String) throws {
        let place = try Workplace(file: name)
        let options = try Self.options(of: try ConfigurationFile.load(path: place.configuration)) + Self.shards
        let alone = try train(place, options)
        #expect(alone.steps == Self.steps)
        for way in Self.ways {
            let summary = try train(place, options, way)
            #expect(summary.weightsSHA256 == alone.weightsSHA256, "\(name), \(way.name)")
            #expect(summary.steps == Self.steps, "\(name), \(way.name)")
            if Self.deep != nil {
                FileHandle.standardError.write(Data("\(name), \(way.name): done\n".utf8))
            }
        }
        // Other options of the same kind give other weights: the hash is not constant.
        let other = try train(place, options + ["--seed", "99"])
        #expect(other.weightsSHA256 != alone.weightsSHA256)
    }

    /// Trains in one process.
    private func train(_ place: Workplace, _ options: [String]) throws -> RunSummary {
        let output = place.output()
        let arguments = ["train", place.configuration, "--output", output] + options
        let ending = try Program.run(arguments, in: place.folder.path, limit: Self.limit)
        try #require(ending.status == 0, "\(ending)")
        return try RunSummary(run: output)
    }

    private func train(_ place: Workplace, _ options: [String], _ way: Way) throws -> RunSummary {
        let output = place.output()
        let arguments = ["train", place.configuration, "--output", output] + options
        guard case .none = way.disturbance else {
            return try disturbed(place, arguments, way, output)
        }
        let run = try RunningProcess(arguments + way.options, in: place.folder.path)
        let ending = try run.wait(limit: Self.limit)
        try #require(ending.status == 0, "\(ending)")
        #expect(run.orphans().isEmpty)
        return try RunSummary(run: output)
    }

    /// Disturbs a run after its first checkpoint.
    private func disturbed(
        _ place: Workplace, _ arguments: [String], _ way: Way, _ output: String
    ) throws -> RunSummary {
        // Each step takes at least 5 ms, so that the run is still going on then.
        let run = try RunningProcess(
            arguments + way.options + ["--set", "checkpoint.every=0.1"], environment: ["LOCKSTEP_FAULT": "slow=5"],
            in: place.folder.path)
        let checkpoints = RunDirectory(existing: output).checkpoints
        try run.wait(until: "there is a checkpoint", limit: Self.limit) {
            let hasEnded = !run.isRunning
            return try checkpoints.steps().first ?? 0 > 0 || hasEnded
        }
        try #require(try checkpoints.steps().first ?? 0 > 0, "the run ended before its first checkpoint")
        switch way.disturbance {
        case .none: break
        case .killedWorker:
            kill(try #require(run.workers.first), SIGKILL)
            let ending = try run.wait(limit: Self.limit)
            try #require(ending.status == 0, "\(ending)")
            #expect(try RunSummary(run: output).workersLost >= 1, "\(ending)")
        case .interrupted(let signal, let workers):
            run.send(signal: signal)
            let ending = try run.wait(limit: Self.limit)
            try #require(ending.signal == signal || ending.status == 128 + signal, "\(ending)")
            #expect(run.orphans().isEmpty)
            #expect(try checkpoints.steps().first ?? 0 < UInt64(Self.steps))
            let transport = way.transport == "shared" ? "inline" : "shared"
            let resumed = try Program.run(
                arguments + ["--resume", "--workers", workers, "--transport", transport], in: place.folder.path,
                limit: Self.limit)
            try #require(resumed.status == 0, "\(resumed)")
        }
        #expect(run.orphans().isEmpty)
        return try RunSummary(run: output)
    }
}
