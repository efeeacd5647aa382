import Foundation
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting
import LockstepTraining
import Testing

/// Networks of three kinds for samples of six values, and enough test samples for two units of evaluation.
private struct Members {
    let dataset: Dataset
    let library: ComputeLibrary
    var networks: [(model: NetworkModel, parameters: FloatBuffer)] = []

    init() throws {
        let (training, test) = (5, 1_150)
        var random = SplitMix64(seed: 21)
        dataset = try Dataset.make(
            name: "six", inputSize: 6,
            features: (0..<(training + test) * 6).map { _ in UInt8.random(in: 0...255, using: &random) },
            labels: (0..<training + test).map { _ in UInt16.random(in: 0..<3, using: &random) }, validation: 0,
            test: test, classCount: 3)
        library = try ComputeLibrary.open(.portable)
        let layers: [any LayerKind] = [
            ConvolutionLayer(filters: 2, size: Extent(2)), ActivationLayer(.relu), FlattenLayer(),
            DenseLayer(neurons: 3),
        ]
        for (index, (architecture, cost)) in [
            (Architecture(sizes: [6, 4, 3]), Cost.quadratic),
            (Architecture(input: [1, 2, 3], layers: layers, output: .softmax), .crossEntropy),
            (Architecture(sizes: [6, 3], output: .sigmoid), .crossEntropy),
        ].enumerated() {
            let model = try NetworkModel(architecture, objective: Objective(cost: cost))
            let parameters = FloatBuffer(count: model.layout.count)
            model.initialize(seed: UInt64(index) + 4, into: parameters)
            // Outputs that differ from sample to sample: no mean of them is that of one network.
            for parameter in 0..<parameters.count { parameters.buffer[parameter] *= 3 }
            networks.append((model, parameters))
        }
    }

    /// The outputs of each test sample, computed one by one: [samples][classes].
    func outputs(_ index: Int) throws -> [[Float]] {
        let (model, parameters) = networks[index]
        let computer = try model.makeComputer(seed: 0, library: library, maximumRows: 1)
        try computer.prepare(rows: [1])
        computer.load(weights: parameters.pointer)
        return withExtendedLifetime(computer) {
            dataset.indices(of: .test).map { sample in
                dataset.gather(sample..<sample + 1, into: computer.inputs)
                return Array(UnsafeBufferPointer(start: computer.outputs(rows: 1), count: 3))
            }
        }
    }

    func score(_ order: [Int]) throws -> SplitScore {
        try EnsembleEvaluator(order.map { networks[$0] }, library: library, dataset: dataset).score(of: .test)
    }
}

@Suite("Ensembles", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct EnsembleEvaluatorTests {
    private let members: Members

    init() throws {
        members = try Members()
    }

    /// The loss of a sample by the formula of the network's cost, in double.
    private func loss(_ a: [Double], label: Int, of model: NetworkModel) -> Double {
        switch (model.objective.cost, model.architecture.output) {
        case (.quadratic, _): a.indices.reduce(0) { $0 + pow(a[$1] - ($1 == label ? 1 : 0), 2) } / 2
        case (.crossEntropy, .softmax): -log(a[label])
        case (.crossEntropy, .sigmoid): a.indices.reduce(0) { $0 - log($1 == label ? a[$1] : 1 - a[$1]) }
        case (.crossEntropy, .linear): .nan
        }
    }

    @Test(
        "count, predictions and cost are those of the mean of the outputs",
        arguments: [[0, 1, 2], [1, 2], [2, 1], [2, 1, 0], [0, 1]])
    func mean(order: [Int]) throws {
        let score = try members.score(order)
        let outputs = try order.map(members.outputs)
        var (correct, lossSum, predictions) = (0, 0.0, [0, 0, 0])
        for (row, sample) in members.dataset.indices(of: .test).enumerated() {
            let mean = (0..<3).map { j in outputs.reduce(0) { $0 + Double($1[row][j]) } / Double(order.count) }
            let label = members.dataset.label(of: sample)
            let best = try #require(mean.indices.max { mean[$0] < mean[$1] })
            predictions[best] += 1
            if best == label { correct += 1 }
            lossSum += loss(mean, label: label, of: members.networks[order[0]].model)
        }
        #expect(score.correct == correct && score.total == 1_150)
        #expect(score.predictions == predictions)
        #expect(abs(score.meanLoss - lossSum / 1_150) < 1e-6 * score.meanLoss)
        #expect(predictions.count { $0 > 50 } >= 2, "\(predictions)")
        for index in order { #expect(try members.score([index]).predictions != predictions) }
    }

    @Test("an ensemble of one network has that network's score, bit for bit", arguments: 0..<3)
    func one(index: Int) throws {
        let (model, parameters) = members.networks[index]
        let alone = try Evaluator(model, library: members.library, dataset: members.dataset)
            .score(of: .test, weights: parameters.pointer)
        #expect(try members.score([index]) == alone)
        // The same network twice has the same outputs; only the cost is computed from rounded activations.
        let twice = try members.score([index, index])
        #expect(twice.correct == alone.correct && twice.predictions == alone.predictions)
        #expect(abs(twice.meanLoss - alone.meanLoss) < 1e-5 * alone.meanLoss)
    }

    @Test("a network of NaN makes every answer of its ensemble wrong")
    func notANumber() throws {
        members.networks[1].parameters.buffer.update(repeating: .nan)
        let score = try members.score([0, 1])
        #expect(score.correct == 0 && score.total == 1_150 && score.meanLoss.isNaN)
        #expect(score.predictions == [1_150, 0, 0])
        #expect(try members.score([0, 2]).correct ?? 0 > 0)
    }

    @Test("a split without samples has the score 0")
    func empty() throws {
        let score = try EnsembleEvaluator(members.networks, library: members.library, dataset: members.dataset)
            .score(of: .validation)
        #expect(score == SplitScore(correct: 0, total: 0, meanLoss: 0, predictions: [0, 0, 0]))
    }
}
