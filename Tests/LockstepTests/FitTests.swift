import Foundation
import Lockstep
import LockstepTesting
import Synchronization
import Testing

@Suite("fit")
struct FitTests {
    private let configuration = TrainingConfiguration(
        epochs: 4, batch: 20, optimizer: .adamW(learningRate: 0.01), schedule: .step(every: 2, factor: 0.5),
        regularization: .init(dropout: 0.1), seed: 5, shards: 2)

    private func network(seed: UInt64 = 1) throws -> Network {
        try Network([4, 8, 3], activation: .relu, seed: seed)
    }

    @Test("trains a network of layers with any optimizer, and tells what happens in order")
    func events() async throws {
        let samples = try smallDataset(300)
        let events = Mutex<[String]>([])
        var trained = try network()
        let result = try await trained.fit(samples, configuration) { event in
            switch event {
            case .started(let workers, let shards, let steps):
                events.withLock { $0.append("\(workers) \(shards) \(steps)") }
            case .epoch(let epoch): events.withLock { $0.append("epoch \(epoch.number)") }
            default: break
            }
        }
        #expect(events.withLock { $0 } == ["1 2 0", "epoch 0", "epoch 1", "epoch 2", "epoch 3"])
        #expect(result.steps == 36 && result.epochs.count == 4)
        #expect(try trained.evaluate(on: samples) == result.epochs[3].test)
    }

    @Test("worker processes compute the same weights, and blocking training too")
    func workers() async throws {
        let samples = try smallDataset(120)
        var alone = try network()
        var together = alone
        let expected = try await alone.fit(samples, configuration)
        let result = try await together.fit(samples, configuration, on: .workers(2))
        #expect(result.weightsSHA256 == expected.weightsSHA256)
        #expect(try together.weights(ofLayer: 0) == alone.weights(ofLayer: 0))
    }

    @Test("a recorded training continues to the weights of an undisturbed one")
    func resuming() async throws {
        let folder = try TemporaryFolder()
        let samples = try smallDataset(300)
        var whole = try network()
        let expected = try await whole.fit(samples, configuration)
        var half = configuration
        half.epochs = 2
        let run = folder("run")
        var first = try network()
        try await first.fit(samples, half, recording: run)
        #expect(FileManager.default.fileExists(atPath: run + "/report.html"))
        var second = try network()
        let again = await #expect(throws: LockstepError.self) {
            try await second.fit(samples, configuration, recording: run)
        }
        #expect(again?.kind == .file)
        let result = try await second.fit(samples, configuration, recording: run, resuming: .ifPresent)
        #expect(result.weightsSHA256 == expected.weightsSHA256 && result.epochs.count == 4)
        #expect(try Network(contentsOf: run + "/model.safetensors").weights(ofLayer: 1) == whole.weights(ofLayer: 1))
        var third = try network()
        let none = await #expect(throws: LockstepError.self) {
            try await third.fit(samples, configuration, recording: folder("none"), resuming: .always)
        }
        #expect(none?.description.contains("no run") == true || none?.description.contains("not a run") == true)
    }

    @Test("a task that is cancelled ends its training in order, and the network is unchanged")
    func cancellation() async throws {
        let samples = try smallDataset(300)
        var long = configuration
        long.epochs = 1_000_000
        let before = try network()
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let task = Task { [long] in
            var trained = before
            try await trained.fit(samples, long) { _ in begin.yield() }
        }
        for await _ in begun { break }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a training that is stopped has the weights up to then")
    func stopping() async throws {
        let folder = try TemporaryFolder()
        let samples = try smallDataset(300)
        var long = configuration
        long.epochs = 1_000_000
        let training = try network().training(on: samples, long, recording: folder("run"))
        for await event in training.events {
            if case .epoch(let epoch) = event, epoch.number >= 1 { training.stop() }
        }
        let result = try await training.result
        #expect(result.isStopped && result.epochs.count >= 2)
        var stopped = try network()
        try stopped.use(result, of: samples)
        #expect(
            try Network(contentsOf: folder("run") + "/model.safetensors").weights(ofLayer: 0)
                == stopped.weights(ofLayer: 0))
        #expect(try await training.result.weightsSHA256 == result.weightsSHA256)
        var other = try Network([4, 3])
        #expect(throws: LockstepError.self) { try other.use(result, of: samples) }
    }

    @Test("a coordinator without workers is cancelled while it waits")
    func waiting() async throws {
        let samples = try smallDataset(60)
        let folder = try TemporaryFolder()
        let training = try network().training(
            on: samples, configuration, placement: .coordinator(["ipc://" + folder("run")], workers: 1...2))
        for await event in training.events {
            if case .listening = event { training.stop() }
        }
        await #expect(throws: LockstepError.self) { try await training.result }
    }

    @Test("best weights are those of the best validation epoch")
    func best() async throws {
        let samples = try smallDataset(300)
        let folder = try TemporaryFolder()
        var best = try network()
        let result = try await best.fit(samples, configuration, recording: folder("run"), keeping: .best)
        let epoch = try #require(result.bestEpoch)
        #expect(try best.evaluate(on: samples, split: .validation) == epoch.validation)
        #expect(
            try Network(contentsOf: folder("run") + "/best.safetensors").weights(ofLayer: 0) == best.weights(ofLayer: 0)
        )
    }

    @Test(
        "impossible values are refused",
        arguments: [
            { (configuration: inout TrainingConfiguration) in configuration.epochs = -1 },
            { $0.batch = 0 }, { $0.optimizer = .sgd(learningRate: .nan) }, { $0.optimizer = .adamW(learningRate: -1) },
            { $0.schedule = .step(every: 0, factor: 0.5) }, { $0.regularization = .init(dropout: 2) },
            { $0.augmentation = .init(shift: -1) }, { $0.shards = 0 }, { $0.shards = .max }, { $0.name = "" },
            { $0.earlyStoppingPatience = 0 }, { $0.gradientNorm = 0 }, { $0.evaluationInterval = -1 },
            { $0.checkpointInterval = .infinity },
        ] as [@Sendable (inout TrainingConfiguration) -> Void])
    func impossible(change: @Sendable (inout TrainingConfiguration) -> Void) async throws {
        var changed = configuration
        change(&changed)
        var trained = try network()
        let error = await #expect(throws: LockstepError.self) {
            try await trained.fit(try smallDataset(60), changed)
        }
        #expect(error?.kind == .configuration, "\(error?.description ?? "none")")
    }

    @Test("impossible numbers of workers and endpoints that others reach without keys are refused")
    func impossiblePlacements() async throws {
        let samples = try smallDataset(60)
        for placement in [
            WorkerPlacement.workers(0), .workers(.max), .coordinator([], workers: 1...1),
            .coordinator(["tcp://0.0.0.0:0"], workers: 1...1), .coordinator(["nonsense"], workers: 1...1),
            .coordinator(["ipc:///tmp/x"], keys: "/nowhere", workers: 1...1),
        ] {
            var trained = try network()
            var free = configuration
            free.shards = nil
            let error = await #expect(throws: LockstepError.self) {
                try await trained.fit(samples, free, on: placement)
            }
            #expect(error?.kind == .configuration, "\(error?.description ?? "none")")
        }
    }

    @Test("layers that cannot follow each other are refused, and a convolutional network learns")
    func layers() async throws {
        #expect(throws: LockstepError.self) { try Network(input: [4], layers: [.convolution(filters: 2, size: 3)]) }
        #expect(throws: LockstepError.self) { try Network(input: [-1, 2, 2], layers: [.dense(3)]) }
        #expect(throws: LockstepError.self) {
            try Network(input: [1, 2, 2], layers: [.maxPooling(0), .flatten, .dense(3)])
        }
        let samples = try smallDataset(300)
        var trained = try Network(
            input: [1, 2, 2], layers: [.convolution(filters: 4, size: 2, padding: .same), .relu, .flatten, .dense(3)])
        try await trained.fit(
            samples, TrainingConfiguration(epochs: 5, batch: 10, optimizer: .adamW(learningRate: 0.02)))
        #expect(try trained.evaluate(on: samples).correct > 50)
    }

    @Test("many samples are predicted as single ones are")
    func batches() throws {
        let samples = try smallDataset(300)
        let trained = try network()
        let inputs = try (0..<60).map { try samples.sample($0, of: .test).input }
        let together = try trained.outputs(for: inputs)
        for (input, outputs) in zip(inputs, together) {
            for (one, other) in zip(try trained.outputs(for: input), outputs) { #expect(abs(one - other) < 1e-5) }
        }
        #expect(try trained.predict(inputs).map(\.label) == inputs.map { try trained.predict($0).label })
        #expect(try trained.outputs(for: [[Float]]()).isEmpty)
        let error = #expect(throws: LockstepError.self) { try trained.outputs(for: [[1, 2, 3, 4], [1]]) }
        #expect(error?.description == "the network takes 4 values, the input 1 has 1")
    }

    @Test("indices beyond the end throw")
    func indices() throws {
        let samples = try smallDataset(60)
        #expect(throws: LockstepError.self) { try samples.sample(-1, of: .test) }
        #expect(throws: LockstepError.self) { try samples.sample(12, of: .test) }
        #expect(throws: LockstepError.self) { try network().weights(ofLayer: 2) }
        #expect(throws: LockstepError.self) { try network().biases(ofLayer: -1) }
    }
}
