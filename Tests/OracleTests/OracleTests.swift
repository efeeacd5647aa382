import Foundation
import LockstepArtifacts
import LockstepNumerics
import LockstepTesting
import Testing

@Suite(
    "Against independent Python programs", .serialized, .oneAtATime,
    .enabled(if: Oracle.isThere, "scripts/test makes the Python environment and names it in LOCKSTEP_ORACLE_PYTHON"))
struct OracleTests {
    struct Tensor: Decodable, Equatable {
        var type: String
        var shape: [Int]

        init(type: String, shape: [Int]) {
            (self.type, self.shape) = (type, shape)
        }

        init(from decoder: any Decoder) throws {
            var list = try decoder.unkeyedContainer()
            type = try list.decode(String.self)
            shape = try list.decode([Int].self)
        }
    }

    @Test("The Python package safetensors reads our models: names, types, shapes and every bit")
    func safetensors() throws {
        let folder = try TemporaryFolder()
        let summary = try train(TinyDataset(), in: folder, to: "run", [])
        for (name, hash) in [("model", summary.weightsSHA256), ("initial/model", nil)] {
            if hash == nil { _ = try train(TinyDataset(), in: folder, to: "run/initial", ["--epochs", "0"]) }
            let model = folder("run/\(name).safetensors")
            let tensors: [String: Tensor] = try Oracle.ask("describe", model)
            #expect(
                tensors == [
                    "layers.0.weight": Tensor(type: "float32", shape: [8, 36]),
                    "layers.0.bias": Tensor(type: "float32", shape: [8]),
                    "layers.1.weight": Tensor(type: "float32", shape: [4, 8]),
                    "layers.1.bias": Tensor(type: "float32", shape: [4]),
                ])
            let found: String = try Oracle.ask("hash", model)
            if let hash { #expect(found == hash) }
        }
    }

    @Test("numpy rounds to bfloat16 as we do: every kind of number, and many of each")
    func rounding() throws {
        struct Answer: Decodable {
            var total: Int
            var numbers: Int
            var different: Int
        }
        // All upper halves, each with lower halves around the tie and at random.
        var random = SplitMix64(seed: 11)
        let patterns = (0...UInt32(UInt16.max)).flatMap { upper in
            [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF, UInt32.random(in: 0...0xFFFF, using: &random)].map {
                upper << 16 | $0
            }
        }
        let values = FloatBuffer(count: patterns.count)
        for (index, pattern) in patterns.enumerated() { values.pointer[index] = Float(bitPattern: pattern) }
        let folder = try TemporaryFolder()
        let floats = try folder.write(Array(UnsafeRawBufferPointer(values.buffer)), to: "floats")
        roundToBFloat16(values.pointer, count: values.count)
        var halves = [UInt16](repeating: 0, count: values.count)
        halves.withUnsafeMutableBufferPointer { target in
            if let base = target.baseAddress { encodeBFloat16(values.pointer, into: base, count: values.count) }
        }
        let rounded = try folder.write(halves.withUnsafeBytes { Array($0) }, to: "halves")
        let answer: Answer = try Oracle.ask("bfloat16", floats, rounded)
        #expect(answer.total == patterns.count && answer.numbers > 400_000)
        #expect(answer.different == 0)
    }

    @Test("One mini-batch of all of MNIST's training samples gives numpy's weights", .enabled(if: hasMNIST))
    func wholeTrainingSet() throws {
        let folder = try TemporaryFolder()
        let config = "\(Program.root)/config/mnist-30.yaml"
        for (name, epochs) in [("initial", "0"), ("trained", "1")] {
            let result = try Program.run(
                ["train", config, "--epochs", epochs, "--batch", "50000", "--shards", "3", "--output", folder(name)]
                    + ["--set", "evaluation.every=0"])
            try #require(result.status == 0, "\(result)")
        }
        try compare(
            folder("initial/model.safetensors"), folder("trained/model.safetensors"),
            images: mnist("train-images-idx3-ubyte"),
            labels: mnist("train-labels-idx1-ubyte"), count: 50_000, rate: 3)
    }

    @Test("One small mini-batch of a deep network gives numpy's weights, on workers too")
    func deepNetwork() throws {
        let folder = try TemporaryFolder()
        let options = ["--batch", "500", "--set", "network.sizes=[36, 11, 9, 7, 4]", "--shards", "3"]
        let dataset = TinyDataset()
        _ = try train(dataset, in: folder, to: "initial", options + ["--epochs", "0"])
        _ = try train(dataset, in: folder, to: "trained", options + ["--epochs", "1", "--workers", "2"])
        try compare(
            folder("initial/model.safetensors"), folder("trained/model.safetensors"),
            images: folder("data/train-images-idx3-ubyte"), labels: folder("data/train-labels-idx1-ubyte"), count: 500,
            rate: 1)
    }

    /// Compares a step with numpy's; first numpy's gradient with central differences.
    private func compare(
        _ before: String, _ after: String, images: String, labels: String, count: Int, rate: Double
    ) throws {
        let gradient: OracleGradient = try Oracle.ask("gradient", before, images, labels, "500")
        #expect(gradient.largest > 0.1)
        #expect(gradient.error <= gradient.largest * 1e-6)

        let step: OracleSteps = try Oracle.ask(
            "train", before, after, images, labels, "\(count)", #"{"optimizer": {"sgd": {"learning-rate": \#(rate)}}}"#)
        #expect(step.moved > 0.001)
        // Weights are below 8, where two float32 numbers are 2^-21 apart; and the gradient itself is rounded.
        #expect(step.error <= 0x1p-22 + step.moved * 1e-5, "moved by \(step.moved), \(step.error) off")
    }

    @Test("A network is judged as numpy judges it: correct answers and cost", .enabled(if: hasMNIST))
    func evaluation() throws {
        let folder = try TemporaryFolder()
        let trained = try Program.run(
            ["train", "\(Program.root)/config/mnist-30.yaml", "--epochs", "1", "--output", folder("run")])
        try #require(trained.status == 0, "\(trained)")
        let model = folder("run/model.safetensors")
        let score: OracleScore = try Oracle.ask(
            "evaluate", model, mnist("t10k-images-idx3-ubyte"), mnist("t10k-labels-idx1-ubyte"))
        let summary = try RunSummary(run: folder("run"))
        #expect(score.total == 10_000)
        // A sample on the border may fall to the other side in float32.
        #expect(abs((summary.finalCorrect ?? 0) - score.correct) <= 2)
        let epoch = try #require(summary.epochs.last)
        #expect(abs((epoch.cost ?? .nan) - score.cost) < 1e-6)

        let evaluated = try Program.run(["evaluate", model])
        #expect(evaluated.status == 0)
        #expect(evaluated.output.hasPrefix("\(summary.finalCorrect ?? 0) / 10000 "))
        #expect(evaluated.output.contains("cost \(String(format: "%.4f", score.cost))"))
    }

    @Test("Several networks answer together as numpy's mean of their outputs does", arguments: 0..<3)
    func ensemble(first: Int) throws {
        let folder = try TemporaryFolder()
        let dataset = TinyDataset(test: 1_300)
        var members: [(model: String, rules: String)] = []
        for (name, network, cost, output) in [
            ("quadratic", "[36, 8, 4]", "quadratic", "sigmoid"), ("sigmoids", "[36, 9, 4]", "cross-entropy", "sigmoid"),
            ("softmax", "[36, 4]", "cross-entropy", "softmax"),
        ] {
            _ = try train(
                dataset, in: folder, to: name,
                [
                    "--epochs", "1", "--kernel", "portable", "--set",
                    "network={ sizes: \(network), output: \(output) }",
                    "--set", "cost=\(cost)", "--set", "optimizer.sgd.learning-rate=0.3",
                ])
            members.append(
                (folder("\(name)/model.safetensors"), #"{"cost": "\#(cost)", "output": "\#(output)"}"#))
        }
        members = Array(members[first...] + members[..<first])
        let (images, labels) = (folder("data/t10k-images-idx3-ubyte"), folder("data/t10k-labels-idx1-ubyte"))
        let score: OracleScore = try Oracle.ask(
            ["ensemble", images, labels] + members.flatMap { [$0.model, $0.rules] })
        let evaluated = try Program.run(
            [
                "evaluate", members[0].model, "--ensemble", members[1...].map(\.model).joined(separator: ","), "--data",
                "tiny.yaml", "--kernel", "portable",
            ], in: folder.path)
        #expect(score.total == 1_300 && score.correct > 400)
        #expect(evaluated.output.hasPrefix("\(score.correct) / 1300 "), "\(score) \(evaluated)")
        #expect(evaluated.output.contains("cost \(String(format: "%.4f", score.cost))"), "\(score) \(evaluated)")
    }

    private func train(
        _ dataset: TinyDataset, in folder: TemporaryFolder, to output: String, _ options: [String]
    ) throws -> RunSummary {
        try dataset.write(to: folder)
        try folder.write(text: dataset.configuration(epochs: 2), to: "tiny.yaml")
        let result = try Program.run(
            ["train", "tiny.yaml", "--output", folder(output)] + options, in: folder.path)
        try #require(result.status == 0, "\(result)")
        return try RunSummary(run: folder(output))
    }
}

/// Whether MNIST lies unpacked in the cache.
private let hasMNIST = FileManager.default.fileExists(atPath: mnist("t10k-labels-idx1-ubyte"))

private func mnist(_ name: String) -> String {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["LOCKSTEP_CACHE"] ?? "\(environment["HOME"] ?? "")/.cache/lockstep"
    return "\(cache)/mnist/\(name)"
}
