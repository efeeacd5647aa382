import Foundation
import LockstepArtifacts
import LockstepNetwork
import LockstepTesting
import Testing

/// `evaluate` and `predict` with several models.
@Suite("Models that answer together", .serialized, .oneAtATime)
struct EnsembleTests {
    private let folder: TemporaryFolder

    /// Runs in a folder with models of different networks on the same data.
    init() throws {
        folder = try TemporaryFolder()
        let dataset = TinyDataset(test: 1_200)
        try dataset.write(to: folder)
        try folder.write(text: dataset.configuration(epochs: 1), to: "tiny.yaml")
        try train("dense", [])
        try train(
            "softmax", ["--set", "network={ sizes: [36, 4], output: softmax }", "--set", "cost=cross-entropy"])
        let layers = "{ conv: { filters: 2, size: 3 } }, relu, { max-pool: 2 }, flatten, { dense: 4 }"
        try train("layers", ["--set", "network={ input: [1, 6, 6], layers: [\(layers)], output: sigmoid }"])
    }

    private func train(_ name: String, _ options: [String]) throws {
        let result = try Program.run(
            ["train", "tiny.yaml", "--kernel", "portable", "--output", name] + options, in: folder.path)
        try #require(result.status == 0, "\(result)")
    }

    private func evaluate(_ model: String, _ options: String...) throws -> FinishedProcess {
        try Program.run(
            ["evaluate", "\(model)/model.safetensors", "--data", "tiny.yaml", "--kernel", "portable"] + options,
            in: folder.path)
    }

    private func expectRefusal(
        _ result: FinishedProcess, status: Int32, _ error: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(result.status == status && result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errorLines == ["lockstep: \(error)"], "\(result)", sourceLocation: sourceLocation)
    }

    @Test("The option is repeated or has commas, and the order of its models changes no count")
    func forms() throws {
        let (softmax, layers) = ("softmax/model.safetensors", "layers/model.safetensors")
        let together = try evaluate("dense", "--ensemble", "\(softmax),\(layers)")
        #expect(together.status == 0 && together.errors.isEmpty, "\(together)")
        let repeated = try evaluate("dense", "--ensemble", softmax, "--ensemble", layers)
        #expect(repeated.output == together.output)
        let turned = try evaluate("dense", "--ensemble", layers, "--ensemble", softmax)
        #expect(turned.output == together.output)
        // The cost is that of the first model's function.
        let first = try evaluate("softmax", "--ensemble", "dense/model.safetensors,\(layers)")
        #expect(first.output.split(separator: " ").first == together.output.split(separator: " ").first)
        #expect(first.output != together.output)
        let verbose = try evaluate("dense", "--ensemble", "\(softmax),\(layers)", "--verbose")
        #expect(verbose.output == together.output)
        #expect(verbose.errorLines.first == "mean outputs of 3 models", "\(verbose)")
        let alone = try evaluate("dense")
        #expect(alone.output != together.output)
    }

    @Test("A file that is missing, no model, named twice or without a name is one clear line")
    func files() throws {
        let (dense, layers) = ("dense/model.safetensors", "layers/model.safetensors")
        expectRefusal(
            try evaluate("dense", "--ensemble", "\(layers),none.safetensors"), status: 66,
            "none.safetensors: cannot read: No such file or directory; check the path")
        expectRefusal(
            try evaluate("dense", "--ensemble", "tiny.yaml"), status: 65,
            "tiny.yaml: not a model that Lockstep can read: not a safetensors file; give a model file, such as "
                + "best.safetensors of a run")
        expectRefusal(
            try Program.run(["evaluate", ""], in: folder.path), status: 66,
            "'': cannot read: No such file or directory; check the path")
        let checkpoint = try #require(
            try FileManager.default.contentsOfDirectory(atPath: folder("dense/checkpoints")).first)
        expectRefusal(
            try evaluate("dense", "--ensemble", "dense/checkpoints/\(checkpoint)"), status: 65,
            "dense/checkpoints/\(checkpoint): a checkpoint, from which a run continues, and not a model; give "
                + "best.safetensors or model.safetensors of the run")
        expectRefusal(
            try evaluate("dense", "--ensemble", "data"), status: 66,
            "data: this folder has neither best.safetensors nor model.safetensors; give a model file, or the directory of a run "
                + "that has ended an epoch")
        for value in ["", ",\(layers)", "\(layers),", "\(layers),,\(dense)"] {
            expectRefusal(
                try evaluate("dense", "--ensemble", value), status: 64,
                "--ensemble '\(value)': an empty file name; put one comma between two files")
        }
        expectRefusal(
            try evaluate("dense", "--ensemble", "\(layers),\(layers)"), status: 64,
            "--ensemble: \(layers) is named twice, and would count twice; name each model once")
        // The only epoch is the best one, so both files have its weights.
        expectRefusal(
            try evaluate("dense", "--ensemble", "dense/best.safetensors"), status: 64,
            "--ensemble: dense/best.safetensors has the same weights as \(dense), and would count twice; name each model "
                + "once")
    }

    /// Writes a network of sigmoid neurons whose outputs depend on its biases alone.
    private func write(
        _ name: String, inputs: Int, biases: [Float],
        metadata: ModelMetadata = ModelMetadata(inputScale: nil, labels: [])
    ) throws {
        let parameters = [Float](repeating: 0, count: inputs * biases.count) + biases
        try parameters.withUnsafeBufferPointer {
            try ModelFile.save(
                to: folder(name), architecture: Architecture(sizes: [inputs, biases.count]), cost: .quadratic,
                parameters: $0, metadata: metadata)
        }
    }

    @Test("Networks that do not fit each other are refused, and the file is named")
    func misfits() throws {
        let dense = "dense/model.safetensors"
        try write("narrow.safetensors", inputs: 35, biases: [0, 0, 0, 0])
        expectRefusal(
            try evaluate("dense", "--ensemble", "layers/model.safetensors,narrow.safetensors"), status: 65,
            "narrow.safetensors: takes 35 values and cannot be averaged with \(dense), which takes 36; average "
                + "networks of one data set")
        try write("many.safetensors", inputs: 36, biases: [0, 0, 0, 0, 0])
        expectRefusal(
            try evaluate("dense", "--ensemble", "many.safetensors"), status: 65,
            "many.safetensors: has 5 classes and cannot be averaged with \(dense), which has 4; average networks of one data set"
        )
        try write(
            "other.safetensors", inputs: 36, biases: [0, 0, 0, 0],
            metadata: ModelMetadata(inputScale: nil, labels: [], dataSHA256: "ab12"))
        expectRefusal(
            try evaluate("dense", "--ensemble", "other.safetensors"), status: 65,
            "other.safetensors: was trained on other data than \(dense); average networks of one data set")
        // A model that does not say what it was trained on goes with every other.
        try write("silent.safetensors", inputs: 36, biases: [0, 0, 0, 1])
        #expect(try evaluate("dense", "--ensemble", "silent.safetensors").status == 0)
    }

    @Test("predict reads with the mean of the outputs")
    func predictions() throws {
        // Outputs of a = 0.75 for 3 and 0.25 for 5, and of 0.5 for 3 and 0.9 for 5: 1 / (1 + exp(-b)) of each bias b.
        let rest = Float(-20)
        var (first, second) = ([Float](repeating: rest, count: 10), [Float](repeating: rest, count: 10))
        (first[3], first[5]) = (1.0986123, -1.0986123)
        (second[3], second[5]) = (0, 2.1972246)
        try write("first.safetensors", inputs: 784, biases: first)
        try write("second.safetensors", inputs: 784, biases: second)
        let pixels = (0..<100).map { UInt8($0 % 10 == 5 && (10..<90).contains($0) ? 0 : 255) }
        try folder.write(Array("P5 10 10 255\n".utf8) + pixels, to: "digit.pgm")
        func predict(_ arguments: String...) throws -> FinishedProcess {
            try Program.run(["predict"] + arguments, in: folder.path)
        }
        #expect(try predict("first.safetensors", "digit.pgm").output == "digit.pgm: 3   0.750\n")
        #expect(try predict("second.safetensors", "digit.pgm").output == "digit.pgm: 5   0.900\n")
        for arguments in [
            ["first.safetensors", "digit.pgm", "--ensemble", "second.safetensors"],
            ["--ensemble", "first.safetensors", "second.safetensors", "digit.pgm"],
        ] {
            let together = try Program.run(["predict"] + arguments, in: folder.path)
            #expect(together.output == "digit.pgm: 3   0.625\n", "\(together)")
        }
        expectRefusal(
            try predict("first.safetensors", "none.png"), status: 66, "none.png: no such file; check the path")
        expectRefusal(
            try predict("first.safetensors", "tiny.yaml"), status: 65,
            "tiny.yaml: not an image of a known format; give a PNG, a JPEG, a PGM or an IDX file of images")
        try write(
            "clothes.safetensors", inputs: 784, biases: first.reversed(),
            metadata: ModelMetadata(inputScale: nil, labels: (0..<9).map(String.init) + ["Bag"]))
        expectRefusal(
            try predict("first.safetensors", "digit.pgm", "--ensemble", "clothes.safetensors"), status: 65,
            "clothes.safetensors: predict reads digits, and this network tells other things apart, such as 'Bag'; count "
                + "its right answers with lockstep evaluate")
    }
}
