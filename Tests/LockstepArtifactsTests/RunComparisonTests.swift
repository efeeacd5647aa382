import Foundation
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepArtifacts

@Suite("Runs compared")
struct RunComparisonTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes the directory of a run with one epoch that has so many of 200 validation and of 400 test samples right.
    private func write(
        _ name: String, called runName: String = "tiny", rate: Double = 0.5, seed: UInt64 = 1, validation: Int?,
        test: Int
    ) throws -> RunComparison.Run {
        let directory = try RunDirectory.create(output: folder(name), name: runName)
        let configuration = RunConfiguration(
            name: runName, data: .named("points"), network: Architecture(sizes: [2, 3]),
            training: TrainingOptions(epochs: 1, batch: 4, seed: seed), optimizer: .sgd(learningRate: rate))
        let run = RunDescription(
            configuration: configuration,
            dataset: DatasetDescription(
                name: "points", inputSize: 2, classCount: 3, element: .uint8, trainingCount: 8,
                validationCount: validation == nil ? 0 : 200, testCount: 400, sha256: "d5"),
            shards: 1, workers: 1, kernel: "avx2", parameterCount: 9, stepsPerEpoch: 2)
        let epoch = EpochReport(
            epoch: 0, test: SplitScore(correct: test, total: 400, meanLoss: 0.2, predictions: [400, 0, 0]),
            validation: validation.map {
                SplitScore(correct: $0, total: 200, meanLoss: 0.1, predictions: [200, 0, 0])
            },
            meanTrainingLoss: 0.5, seconds: 2, samples: 8, totalSteps: 2, workers: 1, weightsSHA256: "e1",
            isBest: validation != nil)
        let recorder = RunRecorder(directory: directory, programVersion: "1")
        try recorder.runWillStart(run)
        try recorder.runDidFinish(
            RunOutcome(
                epochs: [epoch], steps: 2, seconds: 2, samples: 8, weightsSHA256: "0123456789", membership: .init(),
                maximumStepGapMilliseconds: 1, interrupted: false), parameters: FloatBuffer(count: 9))
        return try RunComparison.Run(directory)
    }

    @Test("The table has the keys that differ and the results, and the best run on the validation samples is known")
    func table() throws {
        let comparison = RunComparison([
            try write("a", rate: 0.5, validation: 150, test: 320), try write("b", rate: 3, validation: 180, test: 310),
        ])
        #expect(comparison.keys == ["optimizer.sgd.learning-rate"])
        #expect(comparison.labels == ["learning-rate 0.5", "learning-rate 3.0"])
        #expect(
            comparison.table == [
                ["run", "learning-rate", "validation", "test", "epoch", "epochs", "cost", "seconds", "weights"],
                ["a", "0.5", "75.00 %", "80.00 %", "0", "1", "0.1", "2.0", "01234567"],
                ["b", "3.0", "90.00 %", "77.50 %", "0", "1", "0.1", "2.0", "01234567"],
            ])
        #expect(comparison.best == 1)
        #expect(comparison.seedTable.isEmpty)
    }

    @Test("Runs that differ in the seed alone are averaged, with the standard deviation of a sample")
    func seeds() throws {
        let runs = try [(0.5, 1, 100), (0.5, 2, 110), (0.5, 3, 120), (3.0, 1, 111), (3.0, 2, 111)].map {
            try write("\($0.0)-\($0.1)", rate: $0.0, seed: UInt64($0.1), validation: $0.2, test: 2 * $0.2)
        }
        let comparison = RunComparison(runs)
        #expect(comparison.keys == ["optimizer.sgd.learning-rate", "training.seed"])
        #expect(comparison.groups == [[0, 1, 2], [3, 4]])
        #expect(
            comparison.seedTable == [
                ["learning-rate", "runs", "validation, %", "test, %", "best test, %"],
                ["0.5", "3", "55.00 ± 5.00", "55.00 ± 5.00", "60.00"],
                ["3.0", "2", "55.50 ± 0.00", "55.50 ± 0.00", "55.50"],
            ])
        #expect(comparison.best == 2 && comparison.bestGroup == 1)
    }

    @Test("Runs of different names are told apart by them, equal ones by their directories")
    func labels() throws {
        let named = RunComparison([
            try write("a", called: "first", rate: 0.5, validation: 1, test: 1),
            try write("b", called: "second", rate: 3, validation: 1, test: 1),
        ])
        #expect(named.labels == ["first", "second"] && named.keys == ["optimizer.sgd.learning-rate"])
        #expect(named.table.map { $0[0] } == ["run", "first", "second"])
        // The first of equally good runs is the best.
        #expect(named.best == 0)
        let equal = RunComparison([
            try write("c", validation: 1, test: 1), try write("d", validation: 1, test: 1),
        ])
        #expect(equal.labels == ["c", "d"] && equal.keys.isEmpty)
    }

    @Test("Without validation samples no run is the best")
    func unvalidated() throws {
        let comparison = RunComparison([
            try write("a", rate: 0.5, validation: nil, test: 1), try write("b", rate: 3, validation: nil, test: 2),
        ])
        #expect(comparison.best == nil)
        #expect(comparison.table[1][2...3] == ["-", "0.25 %"])
    }

    @Test("The page names the runs in the legend of each chart, and what a name contains is no markup")
    func page() throws {
        let comparison = RunComparison([
            try write("a", called: "<b>1</b>", rate: 0.5, validation: 3, test: 1),
            try write("b", called: "2", rate: 3, validation: 4, test: 1),
        ])
        let html = ReportPage(title: "Runs", sections: comparison.sections).html
        #expect(html.contains("&lt;b&gt;1&lt;/b&gt;</text>") && !html.contains("<b>1</b>"))
        #expect(html.contains("Accuracy on the validation samples"))
        #expect(html.contains("<tr class=\"marked\"><td>2</td>"))
    }
}
