import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepConfiguration
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining
import Testing

/// Compares small networks, which together have every kind of layer, with PyTorch. `Oracles/pytorch_layers.py` has written
/// the numbers to `Oracles/pytorch-layers.json`; the tests need no Python.
@Suite("Networks of layers, against PyTorch", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct PyTorchLayerTests {
    /// A network, its samples, and what PyTorch computes in float64.
    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        let name: String
        /// Assignments as `lockstep train --set` has them.
        let settings: [String]
        /// The samples' bytes, [samples, inputs].
        let pixels: [UInt8]
        let labels: [UInt16]
        /// The parameters before the first step, in 64ths.
        let parameters: [Int]
        /// Of an evaluation, [samples, outputs].
        let outputs: [Double]
        /// Summed over the samples, in the first epoch of training.
        let loss: Double
        let gradient: [Double]
        /// The parameters after three steps, by the optimizer's setting.
        let steps: [String: [Double]]

        var testDescription: String { name }
    }

    static let cases = Result {
        let path = #filePath.dropLast("PyTorchLayerTests.swift".count) + "Oracles/pytorch-layers.json"
        return try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: String(path))))
    }

    /// A case as a run on two shards, before its first step.
    private struct Run {
        let configuration: RunConfiguration
        let computer: ShardComputer
        let weights: FloatBuffer

        var layout: ParameterLayout { computer.layout }

        init(_ network: Case, optimizer: String = "optimizer={sgd: {learning-rate: 1}}") throws {
            configuration = try ConfigurationFile.parse(
                text: "{name: pytorch, data: {name: pytorch}, network: {sizes: [1, 1]}, shards: 2, training: "
                    + "{epochs: 1, batch: 1}, optimizer: {sgd: {learning-rate: 1}}}",
                name: network.name, overrides: network.settings + [optimizer])
            let classes = network.outputs.count / network.labels.count
            let dataset = try Dataset.make(
                name: "pytorch", inputSize: network.pixels.count / network.labels.count, features: network.pixels,
                labels: network.labels, classCount: classes)
            computer = try ShardComputer(
                configuration: configuration, dataset: dataset, library: try ComputeLibrary.open(.portable))
            weights = FloatBuffer(count: computer.layout.count)
            for (i, value) in network.parameters.enumerated() { weights.pointer[i] = Float(value) / 64 }
        }

        /// The mini-batch of an epoch: all samples.
        func batch(_ epoch: Int) -> Batch { Batch(step: UInt64(epoch), schedule: computer.schedule) }
    }

    /// The largest error of each tensor's values, relative to the largest of them.
    private func errors(_ found: [Float], _ expected: [Double], _ layout: ParameterLayout) -> [(String, Double)] {
        layout.tensors.map { tensor in
            let pairs = tensor.range.map { (Double(found[$0]), expected[$0]) }
            let largest = pairs.map { abs($1) }.max() ?? 0
            return (tensor.name, pairs.reduce(0) { max($0, abs($1.0 - $1.1) / largest) })
        }
    }

    @Test("The networks have every kind of layer, of activation, of output and of cost")
    func kinds() throws {
        let all = try Self.cases.get().map { try Run($0).configuration }
        let layers = all.flatMap(\.network.layers)
        #expect(Set(layers.map { type(of: $0.layer).name }) == Set(Layer.kinds.map { $0.name }))
        #expect(Set(layers.compactMap { ($0.layer as? ActivationLayer)?.function }) == Set(Activation.allCases))
        // These networks tell classes apart; linear outputs are numbers: TargetEncodingTests.
        #expect(Set(all.map(\.network.output)) == Set(OutputActivation.allCases).subtracting([.linear]))
        #expect(Set(all.map(\.cost)) == Set(Cost.allCases))
    }

    @Test("Outputs, loss and gradient are PyTorch's", arguments: try cases.get())
    func passes(network: Case) throws {
        let run = try Run(network)
        let rows = network.labels.count
        let computer = try run.computer.model.makeComputer(
            seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
        try computer.prepare(rows: [rows])
        computer.load(weights: run.weights.pointer)
        for (i, pixel) in network.pixels.enumerated() { computer.inputs[i] = Float(pixel) / 255 }
        let outputs = computer.outputs(rows: rows)
        for (i, expected) in network.outputs.enumerated() {
            // Outputs are below 1, where two float32 numbers are at most 2^-24 apart.
            #expect(abs(Double(outputs[i]) - expected) < 1e-6, "output \(i)")
        }

        let gradient = FloatBuffer(count: run.layout.count)
        let batch = run.batch(0)
        let loss = run.computer.gradient(
            of: batch.tree.root, in: batch, weights: run.weights.pointer, into: gradient.pointer
        ) { _ in }
        #expect(abs(loss - network.loss) < 1e-6 * network.loss)
        #expect(network.gradient.count == gradient.count)
        for (name, error) in errors(gradient.values, network.gradient, run.layout) {
            #expect(error < 1e-5, "\(name)")
        }
    }

    @Test("Three steps of each optimizer end where PyTorch's do", arguments: try cases.get())
    func steps(network: Case) throws {
        #expect(network.steps.count == 3)
        for (optimizer, expected) in network.steps.sorted(by: { $0.key < $1.key }) {
            let run = try Run(network, optimizer: optimizer)
            var step = Step(
                source: LocalGradientSource(run.computer), reducer: Reducer(layout: run.layout.chunks, shards: 2),
                optimizer: run.configuration.makeOptimizer(
                    for: run.layout, rate: run.configuration.makeLearningRate(stepsPerEpoch: 1)))
            var parameters = VersionedParameters(
                initial: run.weights, other: FloatBuffer(count: run.layout.count))
            for epoch in 0..<run.configuration.training.epochs {
                _ = try step.run(run.batch(epoch), &parameters)
            }
            let start = network.parameters.map { Double($0) / 64 }
            let moved = zip(start, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(moved > 0.01, "\(optimizer)")
            for (i, value) in expected.enumerated() {
                // Parameters are below 2, where two float32 numbers are 2^-23 apart, and each step rounds them.
                let error = abs(Double(parameters.current.pointer[i]) - value)
                #expect(error < 1e-5 * moved + 3 * 0x1p-23, "\(optimizer), parameter \(i)")
            }
        }
    }
}
