import Foundation
import Lockstep
import Testing

@Suite("Network")
struct NetworkTests {
    init() throws {
        try Kernel.portable.select()
    }

    @Test("learns samples from arrays")
    func learns() throws {
        let samples = try smallDataset(60)
        var network = try Network([4, 5, 3], seed: 7)
        var watched: [Int] = []
        let epochs = try network.train(on: samples, epochs: 40, batch: 4, learningRate: 2) { watched.append($0.number) }
        #expect(watched == Array(0..<40))
        #expect(epochs.last?.test == Evaluation?(try network.evaluate(on: samples)))
        #expect(try network.evaluate(on: samples).correct == 12)
        #expect(try network.evaluate(on: samples, split: .training).total == 36)
        #expect(try network.predict([0, 1, 0, 0]).label == 1)
    }

    @Test("is a value: a copy keeps its weights")
    func value() throws {
        let samples = try smallDataset(30)
        let original = try Network([4, 3])
        var copy = original
        try copy.train(on: samples, epochs: 1, batch: 5, learningRate: 1)
        #expect(try original.weights(ofLayer: 0) == Network([4, 3]).weights(ofLayer: 0))
        #expect(try copy.weights(ofLayer: 0) != original.weights(ofLayer: 0))
    }

    @Test("equal seeds give equal weights, other seeds do not, and shards change the last bits only")
    func seeds() throws {
        let samples = try smallDataset(60)
        func digest(seed: UInt64, shards: Int) throws -> String {
            var network = try Network([4, 6, 3], seed: seed)
            let epochs = try network.train(on: samples, epochs: 3, batch: 7, learningRate: 1, shards: shards)
            return epochs[2].weightsSHA256
        }
        #expect(try digest(seed: 3, shards: 1) == digest(seed: 3, shards: 1))
        #expect(try digest(seed: 3, shards: 1) != digest(seed: 4, shards: 1))
        #expect(try digest(seed: 3, shards: 1) != digest(seed: 3, shards: 3))
    }

    @Test("a worker process computes the same weights as this one")
    func workers() throws {
        let samples = try smallDataset(60)
        var alone = try Network([4, 6, 3], seed: 3)
        var together = alone
        let expected = try alone.train(on: samples, epochs: 2, batch: 8, learningRate: 1, shards: 2)
        let epochs = try together.train(
            on: samples, epochs: 2, batch: 8, learningRate: 1, shards: 2, workers: Workers(2))
        #expect(epochs.map(\.weightsSHA256) == expected.map(\.weightsSHA256))
        #expect(try together.weights(ofLayer: 1) == alone.weights(ofLayer: 1))
    }

    @Test("training continues from the current weights")
    func continues() throws {
        let samples = try smallDataset(60)
        var network = try Network([4, 3])
        let first = try network.train(on: samples, epochs: 5, batch: 5, learningRate: 0.5)
        let second = try network.train(on: samples, epochs: 5, batch: 5, learningRate: 0.5)
        #expect(second[0].trainingCost < first[4].trainingCost)
    }

    @Test("a saved network is the same network")
    func saveAndLoad() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let samples = try smallDataset(30)
        var network = try Network([4, 3, 3])
        try network.train(on: samples, epochs: 1, batch: 5, learningRate: 1)
        try network.save(to: path)
        let loaded = try Network(contentsOf: path)
        #expect(loaded.sizes == [4, 3, 3])
        #expect(try loaded.weights(ofLayer: 1) == network.weights(ofLayer: 1))
        #expect(try loaded.biases(ofLayer: 0) == network.biases(ofLayer: 0))
        #expect(try loaded.outputs(for: [0, 0, 1, 0]) == network.outputs(for: [0, 0, 1, 0]))
    }

    @Test("computes a' = σ(w·a + b)")
    func feedforward() throws {
        let network = try Network([2, 3])
        let input: [Float] = [0.25, -1]
        let outputs = try network.outputs(for: input)
        for (neuron, weights) in try network.weights(ofLayer: 0).enumerated() {
            let z = try weights[0] * input[0] + weights[1] * input[1] + network.biases(ofLayer: 0)[neuron]
            #expect(abs(outputs[neuron] - 1 / (1 + exp(-z))) < 1e-6)
        }
    }
}

@Suite("Errors of the library")
struct LockstepErrorTests {
    init() throws {
        try Kernel.portable.select()
    }

    private func kind(_ body: () throws -> Void) -> LockstepError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? LockstepError)?.kind
        }
    }

    @Test("name what is wrong by kind")
    func kinds() throws {
        let samples = try smallDataset(30)
        var network = try Network([4, 3])
        #expect(kind { _ = try Network([4]) } == .configuration)
        #expect(kind { _ = try Network([4, 0, 3]) } == .configuration)
        #expect(kind { _ = try network.outputs(for: [1]) } == .configuration)
        #expect(kind { try network.train(on: samples, epochs: 1, batch: 0, learningRate: 1) } == .configuration)
        #expect(kind { try network.train(on: samples, epochs: 1, batch: 5, learningRate: .nan) } == .configuration)
        #expect(
            kind { try network.train(on: samples, epochs: 1, batch: 5, learningRate: 1, shards: 0) } == .configuration)
        var narrow = try Network([5, 3])
        #expect(kind { try narrow.train(on: samples, epochs: 1, batch: 5, learningRate: 1) } == .configuration)
        #expect(kind { _ = try Network(contentsOf: "/nonexistent/model.safetensors") } == .file)
        #expect(kind { _ = try Dataset(pickle: "/nonexistent/mnist.pkl.gz") } == .data)
        #expect(kind { _ = try Workers(1, executable: "/nonexistent/lockstep") } == .workers)
    }

    @Test("samples that contradict themselves are refused")
    func samples() {
        let cases: [([[Float]], [Int], Int, Int)] = [
            ([], [], 0, 0),
            ([[1], [2]], [0], 0, 0),
            ([[1], [2, 3]], [0, 1], 0, 0),
            ([[1], [.infinity]], [0, 1], 0, 0),
            ([[1], [2]], [0, -1], 0, 0),
            ([[1], [2]], [0, 70_000], 0, 0),
            ([[1], [2]], [0, 1], 1, 1),
            ([[1], [2]], [0, 1], -1, 0),
        ]
        for (inputs, labels, validation, test) in cases {
            #expect(
                kind { _ = try Dataset(inputs: inputs, labels: labels, validation: validation, test: test) } == .data)
        }
    }

    @Test("a network that failed to train is unchanged")
    func unchanged() throws {
        let samples = try smallDataset(30)
        var network = try Network([5, 3])
        let before = try network.weights(ofLayer: 0)
        #expect(throws: LockstepError.self) { try network.train(on: samples, epochs: 1, batch: 5, learningRate: 1) }
        #expect(try network.weights(ofLayer: 0) == before)
    }
}
