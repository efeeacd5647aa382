import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting
import Testing

/// Networks with every kind of layer, exported and computed by other programs.
@Suite("Exported networks of layers", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct LayerExportOracleTests {
    /// A model file, ten random images, and the outputs that Lockstep computes for them.
    private struct Sample {
        let folder: TemporaryFolder
        let model: TrainedModel

        init(_ layers: [any LayerKind], output: OutputActivation) throws {
            folder = try TemporaryFolder()
            let cost: Cost = output == .softmax ? .crossEntropy : .quadratic
            let architecture = Architecture(input: [1, 28, 28], layers: layers, output: output, initializer: .he)
            let network = try NetworkModel(architecture, objective: Objective(cost: cost))
            let parameters = FloatBuffer(count: network.layout.count)
            network.initialize(seed: 11, into: parameters)
            // Scales, shifts and biases that are not the initial zeros and ones.
            var random = SplitMix64(seed: 12)
            for tensor in network.layout.tensors where !tensor.decays {
                for i in tensor.range { parameters.pointer[i] += Float.random(in: -0.3...0.3, using: &random) }
            }
            try ModelFile.save(
                to: folder("model.safetensors"), architecture: architecture, cost: cost,
                parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: ModelMetadata(inputScale: .byte, labels: (0..<10).map(String.init)))
            model = try ModelFile.load(folder("model.safetensors"))
            #expect(model.architecture == architecture && model.cost == cost)
            #expect(model.parameters.values == parameters.values)

            let computer = try model.network.makeComputer(
                seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: 10)
            try computer.prepare(rows: [10])
            computer.load(weights: model.parameters.pointer)
            let images = (0..<7_840).map { _ in Float.random(in: 0...1, using: &random) }
            for (i, value) in images.enumerated() { computer.inputs[i] = value }
            let outputs = withExtendedLifetime(computer) {
                Array(UnsafeBufferPointer(start: computer.outputs(rows: 10), count: 100))
            }
            try images.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: folder("images"))) }
            try outputs.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: folder("outputs"))) }
        }
    }

    private static let networks: [(layers: [any LayerKind], output: OutputActivation)] = [
        (
            [
                ConvolutionLayer(filters: 6, size: Extent(5), padding: .same), ActivationLayer(.relu),
                MaxPoolLayer(size: Extent(2)), ConvolutionLayer(filters: 16, size: Extent(5)), ActivationLayer(.tanh),
                MaxPoolLayer(size: Extent(3), stride: Extent(2), padding: .pixels(1)), DropoutLayer(rate: 0.5),
                FlattenLayer(), DenseLayer(neurons: 40), LayerNormLayer(), ActivationLayer(.leakyReLU),
                DenseLayer(neurons: 10),
            ], .softmax
        ),
        (
            [
                ConvolutionLayer(
                    filters: 12, size: Extent(rows: 3, columns: 5), stride: Extent(2), padding: .pixels(1)),
                GroupNormLayer(groups: 4), ActivationLayer(.sigmoid),
                AveragePoolLayer(size: Extent(3), stride: Extent(2), padding: .same), LayerNormLayer(),
                ConvolutionLayer(filters: 10, size: Extent(3), stride: Extent(2), padding: .same),
                GlobalAveragePoolLayer(),
            ], .sigmoid
        ),
    ]

    @Test(
        "ONNX Runtime computes the same outputs", .enabled(if: OraclePython.has("onnxruntime"), "run scripts/test"),
        arguments: networks.indices)
    func onnx(index: Int) throws {
        let sample = try Sample(Self.networks[index].layers, output: Self.networks[index].output)
        try sample.model.export(to: sample.folder("model.onnx"), as: .onnx)
        let output = try OraclePython.run(
            """
            import numpy as np, onnxruntime, sys
            session = onnxruntime.InferenceSession(sys.argv[1] + "/model.onnx", providers=["CPUExecutionProvider"])
            x = np.fromfile(sys.argv[1] + "/images", "<f4").reshape(10, 1, 28, 28)
            expected = np.fromfile(sys.argv[1] + "/outputs", "<f4").reshape(10, 10)
            (y,) = session.run(["output"], {"input": x})
            assert np.abs(y - expected).max() < 1e-5, np.abs(y - expected).max()
            assert expected.std() > 1e-3
            print(session.get_inputs()[0].shape)
            """, [sample.folder.path])
        #expect(output == "['n', 1, 28, 28]\n")
    }

    @Test(
        "The page computes the same outputs", .enabled(if: OraclePython.has("quickjs"), "run scripts/test"),
        arguments: networks.indices)
    func page(index: Int) throws {
        let sample = try Sample(Self.networks[index].layers, output: Self.networks[index].output)
        try sample.model.export(to: sample.folder("model.html"), as: .html)
        let output = try OraclePython.run(
            """
            import json, numpy as np, quickjs, re, sys
            page = open(sys.argv[1] + "/model.html", encoding="utf-8").read()
            script = page.split("<script>")[1].split("// As MNIST was made")[0]
            context = quickjs.Context()
            context.eval('''
                const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                function atob(text) {
                    let bits = 0, count = 0, result = "";
                    for (const c of text.replace(/=+$/, "")) {
                        bits = (bits << 6 | alphabet.indexOf(c)) & 0xffff; count += 6;
                        if (count >= 8) { count -= 8; result += String.fromCharCode(bits >> count & 255); }
                    }
                    return result;
                }
            ''')
            context.eval(script + "; function read(x) { return JSON.stringify(Array.from(forward(x))); }")
            images = np.fromfile(sys.argv[1] + "/images", "<f4").reshape(10, 784)
            expected = np.fromfile(sys.argv[1] + "/outputs", "<f4").reshape(10, 10)
            for image, outputs in zip(images[:2], expected):
                y = json.loads(context.eval("read(" + json.dumps([float(v) for v in image]) + ")"))
                assert np.abs(np.array(y) - outputs).max() < 1e-5, np.abs(np.array(y) - outputs).max()
            print(re.search(r"A (.*) network, trained", page).group(1).split(",")[0])
            """, [sample.folder.path])
        #expect(output == "1x28x28\n")
    }
}
