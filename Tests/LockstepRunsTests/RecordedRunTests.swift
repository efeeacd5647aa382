import Foundation
import LockstepArtifacts
import LockstepRuntime
import LockstepTesting
import LockstepTimeline
import LockstepTraining
import Testing

@testable import LockstepRuns

@Suite("Runs and their directories", .serialized)
struct RecordedRunTests {
    @Test("A run leaves models, metrics, reports and a checkpoint, and says last where")
    func leavesFiles() throws {
        let place = try RunPlace()
        let (summary, notices) = try place.train(try place.configuration(), to: "run")
        #expect(summary.status == .finished && summary.steps == 100 && summary.epochs.count == 2)
        #expect(notices == ["finished"])
        let files = Set(try FileManager.default.contentsOfDirectory(atPath: place.folder("run")))
        #expect(
            files.isSuperset(of: [
                "config.yaml", "model.safetensors", "best.safetensors", "metrics.jsonl", "summary.json", "report.html",
                "checkpoints",
            ]))
        #expect(!files.contains("trace.json"))
    }

    @Test("A trace is written on demand")
    func trace() throws {
        let place = try RunPlace()
        let (_, notices) = try place.train(try place.configuration(), to: "run", isTraced: true)
        #expect(notices == ["traced", "finished"])
        #expect(FileManager.default.fileExists(atPath: place.folder("run/trace.json")))
    }

    @Test(
        "A signal ends a run after a step; resumed, it comes to the weights of an undisturbed run", arguments: [1, 60])
    func resumes(steps: Int) throws {
        let place = try RunPlace()
        let configuration = try place.configuration()
        let undisturbed = try place.train(configuration, to: "undisturbed").summary
        let first = try place.train(configuration, to: "run", stoppingAfter: steps)
        #expect(first.summary.status == .interrupted && first.summary.steps < 100)
        #expect(first.notices == ["finished", "signal 15", "interrupted by 15"])
        let second = try place.train(configuration, to: "run", isResumed: true)
        #expect(second.notices == ["resuming after \(first.summary.steps)", "finished"])
        #expect(second.summary.weightsSHA256 == undisturbed.weightsSHA256)
    }

    @Test("Steps are traced after the run has warmed up, or from the middle of a short one")
    func traceOptions() throws {
        let place = try RunPlace()
        for (epochs, first) in [(1, UInt64(25)), (2, 50), (10, 100)] {
            let assembly = try RunAssembly(try place.configuration(epochs: epochs), workers: 1)
            let run = try assembly.prepare(try assembly.loadDataset()) { _ in }
            #expect(run.traceOptions.firstStep == first && run.traceOptions.steps == 50)
        }
    }
}
