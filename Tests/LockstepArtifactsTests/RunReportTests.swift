import Foundation
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepArtifacts

@Suite("A run's page")
struct RunReportTests {
    private let folder: TemporaryFolder
    private let run: TrainingRun

    init() throws {
        folder = try TemporaryFolder()
        let tiny = TinyDataset()
        try tiny.write(to: folder)
        let path = try folder.write(text: tiny.configuration(data: folder("data"), epochs: 3), to: "tiny.yaml")
        let configuration = try ConfigurationFile.load(path: path)
        run = try TrainingRun(
            configuration: configuration, dataset: try configuration.data.load(cache: DataCache()), workers: 1,
            kernel: .portable)
    }

    @Test("The page of a trained network has its confusion, its worst mistakes as pictures, and its neurons")
    func page() throws {
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        let recorder = ReportRecorder(
            directory: directory, programVersion: "1", host: "here",
            sources: ReportRecorder.Sources(analyst: ReportAnalyst(run)))
        let outcome = try run.train(observers: [recorder]) { false }
        let details = try #require(ReportDetails.load(directory))
        let analysis = try #require(details.analysis)
        let epoch = try #require(outcome.epochs.first { $0.epoch == details.analysedEpoch })
        #expect(epoch.epoch == outcome.selectedEpoch?.epoch)
        // The diagonal has the samples that the evaluation counts as right.
        #expect(analysis.confusion.indices.reduce(0) { $0 + analysis.confusion[$1][$1] } == epoch.test?.correct)
        #expect(analysis.confusion.flatMap { $0 }.reduce(0, +) == 100)
        #expect(analysis.mistakes.count == min(24, 100 - (epoch.test?.correct ?? 0)))
        let certainties = analysis.mistakes.map { $0.output - ($0.labelOutput ?? 0) }
        #expect(certainties == certainties.sorted(by: >))
        let page = try text(of: directory.report)
        #expect(page.contains("What it confuses") && page.contains("on here") && page.contains("Learning rate"))
        #expect(page.components(separatedBy: "data:image/png;base64,").count == 1 + analysis.mistakes.count + 8)
        #expect(!page.contains("http-equiv") && !page.contains("<script"))
    }

    @Test("While the run goes on its page loads itself again")
    func running() throws {
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        let recorder = ReportRecorder(directory: directory, programVersion: "1", host: "here")
        var pages: [String] = []
        let reader = EpochReader { pages.append((try? text(of: directory.report)) ?? "") }
        _ = try run.train(observers: [recorder, reader]) { false }
        #expect(
            pages.count == 3 && pages[0].contains("http-equiv=\"refresh\"") && pages[0].contains("running · started"))
        #expect(try !text(of: directory.report).contains("http-equiv"))
    }

    private final class EpochReader: RunObserver {
        private let read: () -> Void

        init(_ read: @escaping () -> Void) { self.read = read }

        func runWillStart(_ run: RunDescription) {}
        func runDidProgress(_ progress: StepProgress) {}
        func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) { read() }
        func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {}
    }

    @Test("The progress never has many points, and forgets the steps that are repeated")
    func series() {
        var series = ProgressSeries()
        for step in 1...100_000 {
            series.add(
                StepProgress(
                    epoch: 0, step: step, stepsPerEpoch: 100_000, totalSteps: step, meanTrainingLoss: 1,
                    samplesPerSecond: Double(step), workers: 2))
        }
        #expect((400..<800).contains(series.points.count))
        #expect(series.points.map(\.step) == series.points.map(\.step).sorted())
        #expect(series.points.allSatisfy { $0.workers == 2 && $0.trainingCost == 1 })
        series.rewind(to: 50_000)
        #expect((199..<401).contains(series.points.count) && series.points.allSatisfy { $0.step <= 50_000 })
    }

    @Test("A report.json with impossible numbers is not used")
    func damaged() throws {
        let directory = try RunDirectory.create(output: folder("run"), name: "tiny")
        var details = ReportDetails(host: "here", started: Date(timeIntervalSince1970: 0))
        func isUsed(_ confusion: [[Int]], answer: Int = 0) throws -> Bool {
            let json = """
                {"split": "test", "count": 2, "confusion": \(confusion), "predictions": [],
                 "mistakes": [{"sample": 0, "label": 0, "answer": \(answer), "output": 1}]}
                """
            details.analysis = try JSONDecoder().decode(SplitAnalysis.self, from: Data(json.utf8))
            try details.save(in: directory)
            return ReportDetails.load(directory) != nil
        }
        #expect(try isUsed([[1, 0], [1, 0]]))
        #expect(try !isUsed([[1, 0], [1]]) && !isUsed([[1, -1], [1, 0]]) && !isUsed([[.max, 1], [1, 0]]))
        #expect(try !isUsed([], answer: -1))
    }

    @Test("A picture's address is a PNG of its pixels")
    func picture() throws {
        let address = PNGPicture.address(of: [0, 128, 255, 64], columns: 2, channels: 1)
        let bytes = try #require(Data(base64Encoded: String(address.dropFirst("data:image/png;base64,".count))))
        #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    }
}
