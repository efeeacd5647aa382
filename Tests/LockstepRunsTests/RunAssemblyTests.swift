import Foundation
import LockstepArtifacts
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepRuns

@Suite("Assembling and resuming runs", .serialized)
struct RunAssemblyTests {
    @Test("The shards are the configuration's, else the workers", arguments: [nil, 4])
    func shards(configured: Int?) throws {
        let place = try RunPlace()
        let assembly = try RunAssembly(try place.configuration(shards: configured), workers: 3)
        #expect(assembly.configuration.shards == configured ?? 3)
        #expect(assembly.configuration.kernel != nil)
    }

    @Test("A new run's directory must be empty, and is locked")
    func directory() throws {
        let place = try RunPlace()
        let assembly = try RunAssembly(try place.configuration(), workers: 1)
        let open = try assembly.openDirectory(output: place.folder("run"))
        #expect(open.directory.path == place.folder("run"))
        try place.folder.write(text: "", to: "run/file")
        #expect(throws: ArtifactError.self) { _ = try assembly.openDirectory(output: place.folder("run")) }
        #expect(throws: ArtifactError.self) { _ = try OpenRunDirectory(open.directory) }
        withExtendedLifetime(open) {}
    }

    private func kind(_ body: () throws -> Void) -> ResumeError.Kind? {
        #expect(throws: ResumeError.self, performing: body)?.kind
    }

    @Test("What is no run cannot be resumed")
    func missing() throws {
        let place = try RunPlace()
        #expect(kind { _ = try ResumedRun(output: place.folder("none"), name: "tiny") } == .missingRun)
        #expect(kind { _ = try ResumedRun(output: nil, name: "no run has this name") } == .missingRun)
    }

    @Test("A run that another process works on cannot be resumed")
    func locked() throws {
        let place = try RunPlace()
        try place.train(try place.configuration(), to: "run")
        let open = try OpenRunDirectory(RunDirectory(existing: place.folder("run")))
        #expect(throws: ArtifactError.self) { _ = try ResumedRun(output: place.folder("run"), name: "tiny") }
        withExtendedLifetime(open) {}
    }

    @Test("Keys that the weights depend on must be those of the run; the error names each")
    func changed() throws {
        let place = try RunPlace()
        try place.train(try place.configuration(), to: "run")
        var configuration = try place.configuration()
        configuration.training.batch = 20
        configuration.optimizer = .sgd(learningRate: 2)
        let resumed = try ResumedRun(output: place.folder("run"), name: "tiny")
        let error = #expect(throws: ResumeError.self) { _ = try resumed.merged(with: configuration) }
        #expect(error?.kind == .changedConfiguration)
        let text = "\(try #require(error))"
        #expect(text.contains("training.batch (10 in the run, 20 now)"))
        #expect(text.contains("optimizer.sgd.learning-rate (1.0 in the run, 2.0 now)"))
    }

    @Test("Epochs, intervals and timeouts may change")
    func merged() throws {
        let place = try RunPlace()
        try place.train(try place.configuration(), to: "run")
        var configuration = try place.configuration(epochs: 5)
        configuration.checkpoint.every = 1
        configuration.timeouts.rejoin = 2
        configuration.evaluation.every = 3
        let merged = try ResumedRun(output: place.folder("run"), name: "tiny").merged(with: configuration)
        #expect(merged.training.epochs == 5 && merged.checkpoint.every == 1 && merged.timeouts.rejoin == 2)
        #expect(merged.evaluation.every == 3 && merged.shards == 1)
    }

    @Test("Fewer epochs than have begun are refused, as are damaged checkpoints")
    func checkpoints() throws {
        let place = try RunPlace()
        try place.train(try place.configuration(epochs: 3), to: "run")
        #expect(
            kind { try place.train(try place.configuration(epochs: 1), to: "run", isResumed: true) } == .tooFewEpochs)
        let folder = place.folder("run/checkpoints")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try place.folder.write(Array("damaged".utf8), to: "run/checkpoints/\(name)")
        }
        #expect(
            kind { try place.train(try place.configuration(epochs: 3), to: "run", isResumed: true) }
                == .unusableCheckpoint)
    }

    @Test("A run without a checkpoint is resumed from its first step")
    func noCheckpoint() throws {
        let place = try RunPlace()
        let weights = try place.train(try place.configuration(), to: "run").summary.weightsSHA256
        try FileManager.default.removeItem(atPath: place.folder("run/checkpoints"))
        let (summary, notices) = try place.train(try place.configuration(), to: "run", isResumed: true)
        #expect(notices == ["resuming after nothing", "finished"] && summary.weightsSHA256 == weights)
    }
}
