import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepDigest
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

/// A run of a 2-3 network with three classes.
private let run = RunDescription(
    configuration: RunConfiguration(
        name: "tiny", data: .named("points"), network: Architecture(sizes: [2, 3]),
        training: TrainingOptions(epochs: 3, batch: 4, seed: 9), optimizer: .sgd(learningRate: 0.5)),
    dataset: DatasetDescription(
        name: "points", inputSize: 2, classCount: 3, element: .uint8, trainingCount: 8, validationCount: 4,
        testCount: 6,
        sha256: "d5"),
    shards: 2, workers: 1, kernel: "avx2", parameterCount: 9, stepsPerEpoch: 2)

/// An epoch with these counts on the test and the validation split.
private func report(
    _ epoch: Int, test: Int?, validation: Int?, training: Int? = nil, isBest: Bool, predictions: [Int] = [3, 2, 1]
) -> EpochReport {
    EpochReport(
        epoch: epoch, test: test.map { SplitScore(correct: $0, total: 6, meanLoss: 0.25, predictions: predictions) },
        validation: validation.map { SplitScore(correct: $0, total: 4, meanLoss: .nan, predictions: [4, 0, 0]) },
        training: training.map { SplitScore(correct: $0, total: 8, meanLoss: 0.1, predictions: [8, 0, 0]) },
        meanTrainingLoss: 0.5, learningRate: 0.125, seconds: 2, samples: 8, totalSteps: 2 * (epoch + 1), workers: 1,
        weightsSHA256: "e\(epoch)", isBest: isBest)
}

private func outcome(_ epochs: [EpochReport], interrupted: Bool = false) -> RunOutcome {
    var membership = MembershipCounts()
    membership.lost = 1
    membership.joined = 2
    membership.shardsReassigned = 3
    membership.inlinePayloadBytes = 5
    membership.restarts = 6
    membership.speculativeItems = 7
    membership.stepsAudited = 8
    membership.quarantined = 9
    membership.rewinds = 10
    membership.stepsRepeated = 11
    return RunOutcome(
        epochs: epochs, steps: 6, seconds: 3, samples: 24, weightsSHA256: "ff", membership: membership,
        maximumStepGapMilliseconds: 4.5, interrupted: interrupted)
}

private func buffer(_ first: Float) -> FloatBuffer {
    let buffer = FloatBuffer(count: 9)
    for index in 0..<9 { buffer.buffer[index] = first + Float(index) }
    return buffer
}

struct RunRecorderTests {
    @Test("A run writes its configuration, weights, metrics and summary")
    func files() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        let recorder = RunRecorder(directory: directory, programVersion: "1.2.3") { 77 }
        try recorder.runWillStart(run)
        let configuration = try ConfigurationFile.load(path: directory.configuration)
        #expect(configuration.shards == 2 && configuration.kernel == .avx2)
        #expect(configuration.training == run.configuration.training)

        recorder.runDidProgress(
            StepProgress(
                epoch: 0, step: 1, stepsPerEpoch: 2, totalSteps: 1, meanTrainingLoss: .infinity, learningRate: 0.25,
                samplesPerSecond: 12.5, workers: 1))
        // Read before the run ends: each line is written at once.
        #expect(
            try text(of: directory.metrics)
                == #"{"epoch":0,"learning_rate":0.25,"samples_per_second":12.5,"step":1,"total_steps":1,"#
                + #""training_cost":null,"type":"step","workers":1}"# + "\n")

        let epochs = [
            report(0, test: 3, validation: 2, training: 7, isBest: true),
            report(1, test: 5, validation: 2, isBest: false), report(2, test: 4, validation: 3, isBest: true),
        ]
        for epoch in epochs { recorder.epochDidFinish(epoch, parameters: buffer(Float(epoch.epoch))) }
        try recorder.runDidFinish(outcome(epochs), parameters: buffer(50))

        let lines = try text(of: directory.metrics).split(separator: "\n")
        #expect(lines.count == 4)
        #expect(
            lines[1] == """
                {"epoch":0,"is_best":true,"learning_rate":0.125,"samples":8,"samples_per_second":4,"seconds":2,\
                "test_correct":3,"test_cost":0.25,"test_total":6,"total_steps":2,"training_correct":7,\
                "training_cost":0.5,"training_total":8,"type":"epoch",\
                "validation_correct":2,"validation_cost":null,"validation_total":4,"weights_sha256":"e0","workers":1}
                """)
        let best = try ModelFile.load(directory.bestModel)
        #expect(best.parameters.values.first == 2)
        let model = try ModelFile.load(directory.model)
        #expect(model.parameters.values == (50..<59).map(Float.init))
        #expect(model.architecture == run.configuration.network)
        #expect(
            model.metadata
                == ModelMetadata(
                    inputScale: .byte, labels: ["0", "1", "2"], seed: 9, dataName: "points", dataSHA256: "d5",
                    programVersion: "1.2.3"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
                == ["best.safetensors", "config.yaml", "metrics.jsonl", "model.safetensors", "summary.json"])
        let summary = try JSONDecoder().decode(RunSummary.self, from: Data(try bytes(of: directory.summary)))
        #expect(
            summary == RunSummary(run: run, outcome: outcome(epochs), programVersion: "1.2.3", peakMemoryBytes: 77))
    }

    @Test("A run without epochs writes the initial model")
    func noEpochs() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        let recorder = RunRecorder(directory: directory, programVersion: "1")
        try recorder.runWillStart(run)
        try recorder.runDidFinish(outcome([]), parameters: buffer(1))
        let model = try ModelFile.load(directory.model)
        #expect(model.parameters.values == (1..<10).map(Float.init))
        #expect(try text(of: directory.metrics) == "")
        #expect(!FileManager.default.fileExists(atPath: directory.bestModel))
    }

    @Test("A run that cannot be recorded does not start")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let gone = RunDirectory(existing: folder("gone"))
        let recorder = RunRecorder(directory: gone, programVersion: "1")
        #expect(
            message { try recorder.runWillStart(run) }
                == "\(gone.configuration): cannot write: No such file or directory; check the path")
    }

    @Test("If metrics cannot be written there is one warning, and the run continues")
    func fullMetrics() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        #expect(symlink("/dev/full", directory.metrics) == 0)
        var warnings: [String] = []
        let recorder = RunRecorder(directory: directory, programVersion: "1", warn: { warnings.append($0) })
        try recorder.runWillStart(run)
        let progress = StepProgress(
            epoch: 0, step: 1, stepsPerEpoch: 2, totalSteps: 1, meanTrainingLoss: 1, samplesPerSecond: 1, workers: 1)
        recorder.runDidProgress(progress)
        recorder.runDidProgress(progress)
        recorder.epochDidFinish(report(0, test: nil, validation: nil, isBest: false), parameters: buffer(0))
        try recorder.runDidFinish(outcome([]), parameters: buffer(0))
        #expect(
            warnings == [
                "\(directory.metrics): cannot write: No space left on device; free some space or choose another path; "
                    + "training continues, and some lines will be missing"
            ])
    }

    @Test("The best weights that could not be written are written as soon as they can be")
    func lateBest() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        try FileManager.default.createDirectory(atPath: directory.bestModel, withIntermediateDirectories: false)
        var warnings: [String] = []
        let recorder = RunRecorder(directory: directory, programVersion: "1", warn: { warnings.append($0) })
        try recorder.runWillStart(run)
        let parameters = buffer(7)
        recorder.epochDidFinish(report(0, test: 1, validation: 1, isBest: true), parameters: parameters)
        parameters.buffer.update(repeating: 0)
        recorder.epochDidFinish(report(1, test: 1, validation: 0, isBest: false), parameters: parameters)
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix("\(directory.bestModel): cannot write: Is a directory; training") == true)
        #expect(
            message { try recorder.runDidFinish(outcome([]), parameters: parameters) }
                == "\(directory.bestModel): cannot write: Is a directory")
        // The model and the summary were written all the same.
        #expect(try ModelFile.load(directory.model).parameters.values[0] == 0)
        #expect(FileManager.default.fileExists(atPath: directory.summary))
        try FileManager.default.removeItem(atPath: directory.bestModel)
        recorder.epochDidFinish(report(2, test: 1, validation: 1, isBest: false), parameters: parameters)
        #expect(try ModelFile.load(directory.bestModel).parameters.values == (7..<16).map(Float.init))
    }

    @Test("The model of a run whose directory is gone is written elsewhere, and named with its digest")
    func elsewhere() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        try FileManager.default.createDirectory(atPath: folder("fallback"), withIntermediateDirectories: false)
        var warnings: [String] = []
        let recorder = RunRecorder(
            directory: directory, programVersion: "1", fallbacks: [folder("none"), folder("fallback")],
            warn: { warnings.append($0) })
        try recorder.runWillStart(run)
        try FileManager.default.removeItem(atPath: directory.path)
        #expect(
            message { try recorder.runDidFinish(outcome([]), parameters: buffer(7)) }
                == "\(directory.model): cannot write: No such file or directory; check the path")
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder("fallback")).first)
        #expect(
            name.hasPrefix("lockstep-")
                && warnings == [
                    "the model is in \(folder("fallback"))/\(name) instead; its weights are ff"
                ])
        let fallback = RunDirectory(existing: folder("fallback/\(name)"))
        #expect(try ModelFile.load(fallback.model).parameters.values == (7..<16).map(Float.init))
        #expect(try RunSummary.load(fallback).weightsSHA256 == "ff")
    }

    @Test("A resumed run's metrics end at its state, also after an unfinished line")
    func cutMetrics() throws {
        let folder = try TemporaryFolder()
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        let recorder = RunRecorder(directory: directory, programVersion: "1")
        try recorder.runWillStart(run)
        func step(_ total: Int) -> StepProgress {
            StepProgress(
                epoch: (total - 1) / 2, step: 1, stepsPerEpoch: 2, totalSteps: total, meanTrainingLoss: 1,
                samplesPerSecond: 1, workers: 1)
        }
        for epoch in 0..<3 {
            recorder.runDidProgress(step(2 * epoch + 1))
            recorder.runDidProgress(step(2 * epoch + 2))
            recorder.epochDidFinish(report(epoch, test: 1, validation: 1, isBest: false), parameters: buffer(0))
        }
        let lines = try text(of: directory.metrics).split(separator: "\n")
        #expect(lines.count == 9)
        // Before and after the second epoch is reported, and in the middle of the third.
        for (steps, epochs, kept) in [(4, 1, 5), (4, 2, 6), (5, 2, 7), (0, 0, 0)] as [(UInt64, Int, Int)] {
            let whole = lines.joined(separator: "\n") + "\n" + #"{"epoch":3,"st"#
            _ = try folder.write(whole.utf8, to: "run/metrics.jsonl")
            var progress = TrainingProgress()
            progress.step = steps
            progress.epochs = (0..<epochs).map { report($0, test: nil, validation: nil, isBest: false) }
            var resumed = run
            resumed.resumed = progress
            try RunRecorder(directory: directory, programVersion: "1").runWillStart(resumed)
            #expect(try text(of: directory.metrics) == lines.prefix(kept).map { $0 + "\n" }.joined())
        }
    }
}

struct RunSummaryTests {
    private func summary(_ epochs: [EpochReport], interrupted: Bool = false) -> RunSummary {
        RunSummary(
            run: run, outcome: outcome(epochs, interrupted: interrupted), programVersion: "1", peakMemoryBytes: nil)
    }

    @Test("Best, selected and final are the test counts of the best, the saved and the last epoch")
    func counts() {
        let summary = summary([
            report(0, test: 3, validation: 1, isBest: true), report(1, test: 2, validation: 3, isBest: true),
            report(2, test: 5, validation: 3, isBest: false),
            report(3, test: 4, validation: 2, isBest: false, predictions: [0, 6, 0]),
        ])
        #expect(summary.bestCorrect == 5 && summary.bestEpoch == 2)
        #expect(summary.selectedCorrect == 2 && summary.selectedEpoch == 1)
        #expect(summary.finalCorrect == 4)
        #expect(summary.neverPredicted == [0, 2])
        #expect(summary.stepsPerSecond == 2 && summary.samplesPerSecond == 8)
        #expect(summary.status == .finished)
        #expect(self.summary([], interrupted: true).status == .interrupted)
    }

    @Test("Every key is there, and what was not measured is null")
    func nulls() throws {
        var silent = outcome([report(0, test: nil, validation: nil, isBest: false)])
        silent.seconds = 0
        silent.steps = 0
        silent.samples = 0
        silent.maximumStepGapMilliseconds = .nan
        let summary = RunSummary(run: run, outcome: silent, programVersion: "1", peakMemoryBytes: nil)
        let text = try jsonText(summary, indented: true, path: "summary.json")
        #expect(
            text == """
                {
                  "active_workers" : 1,
                  "best_correct" : null,
                  "best_epoch" : null,
                  "bitwise_reproducible" : true,
                  "class_names" : null,
                  "data" : "points",
                  "data_sha256" : "d5",
                  "duplicates" : 7,
                  "epochs" : [
                    {
                      "correct" : null,
                      "cost" : null,
                      "epoch" : 0,
                      "learning_rate" : 0.125,
                      "r2" : null,
                      "seconds" : 2,
                      "total" : null,
                      "training_correct" : null,
                      "training_cost" : 0.5,
                      "training_total" : null,
                      "validation_correct" : null,
                      "validation_cost" : null,
                      "validation_r2" : null,
                      "validation_total" : null,
                      "weights_sha256" : "e0"
                    }
                  ],
                  "final_correct" : null,
                  "inline_payload_bytes" : 5,
                  "kernel" : "avx2",
                  "max_step_gap_ms" : null,
                  "name" : "tiny",
                  "never_predicted" : null,
                  "parameters" : 9,
                  "peak_memory_bytes" : null,
                  "program_version" : "1",
                  "quarantined" : 9,
                  "restarts" : 6,
                  "rewinds" : 10,
                  "samples_per_second" : null,
                  "seconds" : 0,
                  "seed" : 9,
                  "selected_correct" : null,
                  "selected_epoch" : null,
                  "shards" : 2,
                  "shards_reassigned" : 3,
                  "status" : "finished",
                  "steps" : 0,
                  "steps_audited" : 8,
                  "steps_per_second" : null,
                  "steps_repeated" : 11,
                  "stopped_early" : false,
                  "weights_sha256" : "ff",
                  "workers" : 1,
                  "workers_joined" : 2,
                  "workers_lost" : 1
                }

                """)
        #expect(try JSONDecoder().decode(RunSummary.self, from: Data(text.utf8)) == summary)
        // An older version did not write some of them.
        let newer = [
            "class_names", "r2", "validation_r2", "stopped_early", "best_epoch", "selected_epoch", "learning_rate",
            "training_correct",
            "training_total",
            "duplicates", "quarantined", "restarts", "rewinds", "steps_audited", "steps_repeated",
        ]
        let older = text.split(separator: "\n").filter { line in !newer.contains { line.contains("\"\($0)\"") } }
        var expected = summary
        (expected.restarts, expected.duplicates, expected.stepsAudited, expected.quarantined) = (nil, nil, nil, nil)
        (expected.rewinds, expected.stepsRepeated) = (nil, nil)
        (expected.stoppedEarly, expected.epochs[0].learningRate) = (nil, nil)
        #expect(
            try JSONDecoder().decode(RunSummary.self, from: Data(older.joined(separator: "\n").utf8)) == expected)
    }
}
