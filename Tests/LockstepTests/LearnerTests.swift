import Foundation
import Lockstep
import LockstepTesting
import Testing

/// Scores W x, trained towards 1 for the label and 0 for the others: C = 1/2 ‖y - W x‖².
private struct LinearScores: TrainableModel {
    enum Oddity: String, Codable { case none, throwsError, readsAddress, nan }
    struct Refused: Error, CustomStringConvertible { let description = "no such thing" }

    var inputCount = 4
    var outputCount = 3
    var oddity = Oddity.none
    var maximumBlockRows = 16

    var parameters: [ParameterTensor] { [.weights("weight", [outputCount, inputCount])] }

    func initialize(_ parameters: inout MutableSpan<Float>, random: RandomNumbers) {
        for index in parameters.indices { parameters[index] = 0.1 * random.normal(element: index) }
    }

    func addGradient(
        of block: SampleBlock, parameters: Span<Float>, to gradient: inout MutableSpan<Float>, workspace: inout ()
    ) throws -> Double {
        if oddity == .throwsError, block.epoch == 1 { throw Refused() }
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            for output in 0..<outputCount {
                let error = score(row, output, block, parameters) - target(row, output, block)
                lossSum += 0.5 * Double(error * error)
                for input in 0..<inputCount {
                    gradient[output * inputCount + input] += error * block.inputs[row * inputCount + input]
                }
            }
        }
        if oddity == .nan { gradient[0] = .nan }
        if oddity == .readsAddress {
            gradient[0] += parameters.withUnsafeBufferPointer { Float(UInt(bitPattern: $0.baseAddress) % 64) }
        }
        return lossSum
    }

    func computeOutputs(
        of block: SampleBlock, parameters: Span<Float>, into outputs: inout MutableSpan<Float>, workspace: inout ()
    ) {
        for row in 0..<block.rowCount {
            for output in 0..<outputCount {
                outputs[row * outputCount + output] = score(row, output, block, parameters)
            }
        }
    }

    func loss(of block: SampleBlock, outputs: Span<Float>) -> Double {
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            for output in 0..<outputCount {
                let error = outputs[row * outputCount + output] - target(row, output, block)
                lossSum += 0.5 * Double(error * error)
            }
        }
        return lossSum
    }

    private func target(_ row: Int, _ output: Int, _ block: SampleBlock) -> Float {
        Int(block.labels[row]) == output ? 1 : 0
    }

    private func score(_ row: Int, _ output: Int, _ block: SampleBlock, _ parameters: Span<Float>) -> Float {
        var score: Float = 0
        for input in 0..<inputCount {
            score += parameters[output * inputCount + input] * block.inputs[row * inputCount + input]
        }
        return score
    }
}

/// A model with these tensors and sizes, which is never computed.
private struct Described: TrainableModel {
    var inputCount = 4
    var outputCount = 3
    var shapes: [[Int]] = [[2]]
    var names: [String] = ["a", "b", "c"]
    var maximumBlockRows = 8

    var parameters: [ParameterTensor] { zip(names, shapes).map { .weights($0, $1) } }
    func initialize(_ parameters: inout MutableSpan<Float>, random: RandomNumbers) {}
    func addGradient(
        of block: SampleBlock, parameters: Span<Float>, to gradient: inout MutableSpan<Float>, workspace: inout ()
    ) -> Double { 0 }
    func computeOutputs(
        of block: SampleBlock, parameters: Span<Float>, into outputs: inout MutableSpan<Float>, workspace: inout ()
    ) {}
    func loss(of block: SampleBlock, outputs: Span<Float>) -> Double { 0 }
}

@Suite("Learner")
struct LearnerTests {
    private let configuration = TrainingConfiguration(
        epochs: 4, batch: 30, optimizer: .sgd(learningRate: 0.2, momentum: 0.5), shards: 3)

    @Test("learns, and a seed, shards and steps give the same bits each time")
    func learns() async throws {
        let samples = try smallDataset(300)
        var first = try Learner(LinearScores())
        let result = try await first.fit(samples, configuration)
        #expect(result.epochs.count == 4 && !result.isStopped)
        #expect(try first.evaluate(on: samples).correct == 60)
        #expect(result.epochs.last?.test == (try first.evaluate(on: samples)))
        var second = try Learner(LinearScores())
        #expect(try await second.fit(samples, configuration).weightsSHA256 == result.weightsSHA256)
        var other = try Learner(LinearScores(), seed: 2)
        #expect(try await other.fit(samples, configuration).weightsSHA256 != result.weightsSHA256)
    }

    @Test(
        "adds what a network of the same arithmetic adds: the first step's weights agree to the last digits of float32")
    func sameAsNetwork() async throws {
        let samples = try smallDataset(60)
        var learner = try Learner(LinearScores())
        let before = learner.parameterValues
        try await learner.fit(samples, TrainingConfiguration(epochs: 1, batch: 36, optimizer: .sgd(learningRate: 0.5)))
        // The gradient of 36 samples by hand, in double.
        var gradient = [Double](repeating: 0, count: 12)
        for index in 0..<36 {
            let (input, label) = try samples.sample(index, of: .training)
            for output in 0..<3 {
                let score = (0..<4).reduce(0.0) { $0 + Double(before[output * 4 + $1]) * Double(input[$1]) }
                for place in 0..<4 {
                    gradient[output * 4 + place] += (score - (label == output ? 1 : 0)) * Double(input[place])
                }
            }
        }
        for (index, value) in learner.parameterValues.enumerated() {
            #expect(abs(Double(value) - (Double(before[index]) - 0.5 / 36 * gradient[index])) < 1e-5)
        }
    }

    @Test("an error that the model throws ends the training and names step and shard; the learner is unchanged")
    func throwing() async throws {
        let samples = try smallDataset(300)
        var learner = try Learner(LinearScores(oddity: .throwsError))
        let before = learner.parameterValues
        let error = await #expect(throws: LockstepError.self) { try await learner.fit(samples, configuration) }
        #expect(error?.kind == .model)
        #expect(
            error?.localizedDescription == "the model has thrown an error in shard 0 of 3, step 6: no such thing",
            "\(error?.description ?? "none")")
        #expect(learner.parameterValues == before)
    }

    @Test("a model whose bits depend on where its numbers lie in memory is refused before the first step")
    func addressed() async throws {
        let samples = try smallDataset(60)
        var learner = try Learner(LinearScores(oddity: .readsAddress))
        let error = await #expect(throws: LockstepError.self) { try await learner.fit(samples, configuration) }
        #expect(error?.kind == .model)
        #expect(error?.description.contains("has other bits where its numbers lie elsewhere in memory") == true)
    }

    @Test("a gradient that is not a number ends the training")
    func notFinite() async throws {
        let samples = try smallDataset(60)
        var learner = try Learner(LinearScores(oddity: .nan))
        let error = await #expect(throws: LockstepError.self) { try await learner.fit(samples, configuration) }
        #expect(error?.kind == .notFinite)
    }

    @Test("a file has the model's settings, and is no network")
    func files() async throws {
        let folder = try TemporaryFolder()
        let path = folder("model.safetensors")
        let samples = try smallDataset(60)
        var learner = try Learner(LinearScores(maximumBlockRows: 5))
        try await learner.fit(samples, configuration)
        try learner.save(to: path)
        let loaded = try Learner<LinearScores>(contentsOf: path)
        #expect(loaded.model.maximumBlockRows == 5)
        #expect(loaded.parameterValues == learner.parameterValues)
        let inputs = try (0..<12).map { try samples.sample($0, of: .test).input }
        #expect(try loaded.predict(inputs) == learner.predict(inputs))
        let refusal = #expect(throws: LockstepError.self) { try Network(contentsOf: path) }
        #expect(refusal?.description.contains("a model of a program's own") == true)
        #expect(throws: LockstepError.self) { try Learner<Described>(contentsOf: path) }
    }

    @Test(
        "a model that says impossible things about itself is refused",
        arguments: [
            Described(inputCount: 0), Described(outputCount: -1), Described(shapes: []), Described(shapes: [[0]]),
            Described(shapes: [[2], [.max, 3]]), Described(shapes: [[1], [1]], names: ["a", "a"]),
            Described(names: [""]), Described(maximumBlockRows: 0),
        ])
    fileprivate func impossible(model: Described) {
        let error = #expect(throws: LockstepError.self) { try Learner(model) }
        #expect(error?.kind == .model)
    }

    @Test("data of another size is refused with the model's name")
    func otherSize() async throws {
        var learner = try Learner(LinearScores(inputCount: 5))
        let samples = try smallDataset(60)
        let error = await #expect(throws: LockstepError.self) { try await learner.fit(samples, configuration) }
        #expect(error?.description.contains("model 'LinearScores' takes 5 values") == true)
        #expect(throws: LockstepError.self) { try learner.evaluate(on: samples) }
        #expect(throws: LockstepError.self) { try learner.outputs(for: [[1, 2]]) }
    }

    @Test("workers need workerMain, which the message says")
    func workers() async throws {
        var learner = try Learner(LinearScores())
        let samples = try smallDataset(60)
        let error = await #expect(throws: LockstepError.self) {
            try await learner.fit(samples, configuration, on: .workers(2))
        }
        #expect(error?.description.contains("Lockstep.workerMain(LinearScores.self)") == true)
    }
}
