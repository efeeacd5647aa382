import Foundation
import LockstepArtifacts
import LockstepData
import LockstepDigest
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting
import Testing

/// A network of 3-2-1 whose parameters count up from 0.5.
private let tiny = Architecture(sizes: [3, 2, 1])
private let tinyMetadata = ModelMetadata(
    inputScale: .byte, labels: ["only"], seed: .max, dataName: "digits", dataSHA256: "ab12", programVersion: "0.1.0")

private func numbers(_ count: Int) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    for index in 0..<count { buffer.buffer[index] = Float(index) + 0.5 }
    return buffer
}

private func save(_ architecture: Architecture, _ parameters: FloatBuffer, to path: String) throws {
    try ModelFile.save(
        to: path, architecture: architecture, cost: .quadratic, parameters: UnsafeBufferPointer(parameters.buffer),
        metadata: tinyMetadata)
}

private func bits(_ buffer: FloatBuffer) -> [UInt32] { buffer.values.map(\.bitPattern) }

struct ModelFileTests {
    @Test("A saved model has the format's layout, byte by byte")
    func layout() throws {
        let folder = try TemporaryFolder()
        let parameters = numbers(11)
        try save(tiny, parameters, to: folder("m"))
        let file = try bytes(of: folder("m"))
        let length = Int(file[0]) | Int(file[1]) << 8
        #expect(file[2..<8].allSatisfy { $0 == 0 })
        #expect((8 + length) % 8 == 0)
        let header = String(decoding: file[8..<8 + length], as: UTF8.self)
        let digest = SHA256.hash(UnsafeRawBufferPointer(parameters.buffer)).hex
        let expected =
            #"{"__metadata__":{"activation":"sigmoid","cost":"quadratic","data":"digits","#
            + #""data_sha256":"ab12","format_version":"1","initializer":"standard-normal","input_scale":"1/255","#
            + #""labels":"only","output":"sigmoid","program_version":"0.1.0","seed":"18446744073709551615","sizes":"3,2,1","#
            + #""weights_sha256":"\#(digest)"},"#
            + #""layers.0.bias":{"data_offsets":[24,32],"dtype":"F32","shape":[2]},"#
            + #""layers.0.weight":{"data_offsets":[0,24],"dtype":"F32","shape":[2,3]},"#
            + #""layers.1.bias":{"data_offsets":[40,44],"dtype":"F32","shape":[1]},"#
            + #""layers.1.weight":{"data_offsets":[32,40],"dtype":"F32","shape":[1,2]}}"#
        #expect(header.trimmingCharacters(in: .whitespaces) == expected)
        #expect(Array(file[(8 + length)...]) == Array(UnsafeRawBufferPointer(parameters.buffer)))
    }

    @Test(
        "The file has everything that the network does",
        arguments: Activation.allCases, [(OutputActivation.sigmoid, Cost.crossEntropy), (.softmax, .crossEntropy)])
    func functions(activation: Activation, ending: (output: OutputActivation, cost: Cost)) throws {
        let folder = try TemporaryFolder()
        let architecture = Architecture(
            sizes: [3, 2, 1], activation: activation, output: ending.output, initializer: .he)
        let parameters = numbers(11)
        try withExtendedLifetime(parameters) {
            try ModelFile.save(
                to: folder("m"), architecture: architecture, cost: ending.cost,
                parameters: UnsafeBufferPointer(parameters.buffer), metadata: tinyMetadata)
        }
        let model = try ModelFile.load(folder("m"))
        #expect(model.architecture == architecture)
        #expect(model.cost == ending.cost)
    }

    @Test(
        "Names of outputs and the preparation of a table come back, whatever the names are",
        arguments: [["a, b", "c"], ["[x", "y"], ["", " "], ["Größe", "\"q\""]])
    func table(names: [String]) throws {
        let folder = try TemporaryFolder()
        let parameters = numbers(20)
        let table = TablePreparation(
            columns: [
                TablePreparation.Column(name: "a", role: .value, mean: 0.1, deviation: 1 / 3),
                TablePreparation.Column(name: "k, \"l\"", role: .value, categories: ["x", "y"]),
                TablePreparation.Column(name: nil, role: .label),
            ], scale: 1, isBytes: false, classes: names)
        func save(_ table: TablePreparation) throws {
            try ModelFile.save(
                to: folder("m"), architecture: Architecture(sizes: [3, 3, 2]), cost: .quadratic,
                parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: ModelMetadata(inputScale: .one, labels: names, table: table))
        }
        try save(table)
        let loaded = try ModelFile.load(folder("m"))
        #expect(loaded.metadata.labels == names)
        #expect(loaded.metadata.table == table)
        // A table of another width is refused.
        var other = table
        other.columns[1].categories = ["x"]
        try save(other)
        let error = #expect(throws: ArtifactError.self) { try ModelFile.load(folder("m")) }
        #expect(error?.description.contains("describe a table that does not fit the network's 3 inputs") == true)
    }

    @Test("Loading returns what was saved, bit by bit", arguments: 1...20 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let folder = try TemporaryFolder()
        let layers = Int.random(in: 2...5, using: &random)
        let sizes = (0..<layers).map { _ in Int.random(in: 1...40, using: &random) }
        let architecture = Architecture(sizes: sizes)
        let parameters = FloatBuffer(count: zip(sizes, sizes.dropFirst()).map { $0 * $1 + $1 }.reduce(0, +))
        // Any bits, also the infinities and not-a-numbers of a diverged run.
        for index in 0..<parameters.count {
            parameters.buffer[index] = Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
        }
        var metadata = tinyMetadata
        metadata.labels = (0..<(sizes.last ?? 0)).map { "class \($0)" }
        metadata.inputScale = .one
        try ModelFile.save(
            to: folder("m"), architecture: architecture, cost: .quadratic,
            parameters: UnsafeBufferPointer(parameters.buffer), metadata: metadata)
        let model = try ModelFile.load(folder("m"))
        #expect(model.architecture == architecture, "seed \(seed)")
        #expect(model.cost == .quadratic)
        #expect(model.metadata == metadata)
        #expect(bits(model.parameters) == bits(parameters), "seed \(seed)")
        #expect(model.weightsSHA256 == SHA256.hash(UnsafeRawBufferPointer(parameters.buffer)).hex)
    }

    @Test("Saving replaces the file atomically and leaves no other file")
    func replacement() throws {
        let folder = try TemporaryFolder()
        try save(Architecture(sizes: [50, 40]), numbers(2_040), to: folder("m"))
        let before = try bytes(of: folder("m")).count
        try save(tiny, numbers(11), to: folder("m"))
        #expect(try bytes(of: folder("m")).count < before)
        #expect(try ModelFile.load(folder("m")).architecture == tiny)
        #expect(try folder.names() == ["m"])
    }

    @Test("An error of the file system names the path")
    func refusals() throws {
        let folder = try TemporaryFolder()
        func saved(_ path: String) -> String { message { try save(tiny, numbers(11), to: path) } }
        let inMissing = folder("none/m")
        #expect(saved(inMissing) == "\(inMissing): cannot write: No such file or directory; check the path")
        try FileManager.default.createDirectory(atPath: folder("taken"), withIntermediateDirectories: false)
        #expect(saved(folder("taken")) == "\(folder("taken")): cannot write: Is a directory")
        #expect(try folder.names() == ["taken"])
        #expect(
            message { try ModelFile.load(folder("none")) }
                == "\(folder("none")): cannot read: No such file or directory; check the path")
        #expect(
            message { try ModelFile.load(folder.path) } == "\(folder.path): not a regular file; give the path of a file"
        )
        #expect(message { try ModelFile.load("/dev/zero") } == "/dev/zero: not a regular file; give the path of a file")
    }

    @Test("A full disk is reported and the old file stays")
    func fullDisk() async throws {
        // A process that may write 64 bytes is used for a full disk; an exit test has its own process.
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryFolder()
            try Data("old".utf8).write(to: URL(fileURLWithPath: folder("m")))
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(2) }
            let error = message { try save(tiny, numbers(11), to: folder("m")) }
            guard error == "\(folder("m")): cannot write: File too large" else { exit(3) }
            guard try text(of: folder("m")) == "old", try folder.names() == ["m"] else { exit(4) }
        }
    }
}

/// The remedy for metadata that contradict the tensors.
private let correction = "correct the metadata, or copy the file from its source again"

/// The remedy at the end of an error that has this reason.
private func remedy(for reason: String) -> String {
    if reason.hasPrefix("not a model") { return "; give a model file, such as best.safetensors of a run" }
    return reason.hasPrefix("not a valid safetensors file") ? "; copy it from its source again" : ""
}

struct ForeignModelTests {
    /// A file with this header and these bytes of tensors.
    private func file(_ header: String, _ data: [Float], in folder: TemporaryFolder) throws -> String {
        let json = Array(header.utf8)
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian, Array.init)
        return try folder.write(length + json + data.withUnsafeBytes(Array.init), to: "m")
    }

    /// How the `safetensors` package orders a file: the longest names last, the metadata first, nothing padded.
    private static let foreign = """
        {"__metadata__": {"activation": "sigmoid", "cost": "quadratic", "author": "A. Writer"},
         "layers.1.bias": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
         "layers.0.bias": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
         "layers.1.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [12, 20]},
         "layers.0.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [20, 44]}}
        """

    @Test("Tensors in another order and the minimal metadata make the same model")
    func otherOrder() throws {
        let folder = try TemporaryFolder()
        let data: [Float] = [10.5, 6.5, 7.5, 8.5, 9.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
        let model = try ModelFile.load(file(Self.foreign, data, in: folder))
        #expect(model.architecture == tiny)
        #expect(bits(model.parameters) == bits(numbers(11)))
        #expect(model.metadata == ModelMetadata(inputScale: nil, labels: []))
    }

    @Test(
        "A header that does not describe a model is refused with the reason",
        arguments: [
            (
                #""activation": "sigmoid", "#, "",
                "the metadata do not name the network's activation; save it with metadata such as {\"activation\": \"sigmoid\"}"
            ),
            (
                #""cost": "quadratic", "#, "",
                "the metadata do not name the network's cost; save it with metadata such as {\"cost\": \"quadratic\"}"
            ),
            (
                #""sigmoid""#, #""step""#,
                "unknown activation 'step' in the metadata; this program knows sigmoid, tanh, relu, leaky-relu"
            ),
            (
                #""author": "A. Writer""#, #""input_scale": "1/256""#,
                "unknown input_scale '1/256' in the metadata; this program knows 1/255, 1"
            ),
            (#""author": "A. Writer""#, #""labels": "0,1""#, "2 labels for 1 outputs; \(correction)"),
            (#""author": "A. Writer""#, #""seed": "x""#, "the seed 'x' is not a number; \(correction)"),
            (
                #""author": "A. Writer""#, #""sizes": "3,2,2""#,
                "the metadata name sizes 3,2,2, the tensors have 3,2,1; \(correction)"
            ),
            (
                #""author": "A. Writer""#, #""format_version": "3""#,
                "its format version is '3', this program reads 1 and 2; use the program that wrote it"
            ),
            (
                #""author": "A. Writer""#, #""weights_sha256": "00""#,
                "altered or damaged: its weights do not have the SHA-256 in its metadata; copy it from its source again"
            ),
            (
                #""author": "A. Writer""#, #""author": 1"#,
                "not a valid safetensors file: the header is not JSON of this format"
            ),
            (
                "\"layers.1.bias\": {\"dtype\": \"F32\"", "\"layers.1.bias\": {\"dtype\": \"BF16\"",
                "'layers.1.bias' has elements of type BF16, not F32; convert it to float32"
            ),
            (
                "[0, 4]", "[4, 0]",
                "not a valid safetensors file: the offsets or the shape of 'layers.1.bias' are impossible"
            ),
            (
                "[0, 4]", "[0]",
                "not a valid safetensors file: the offsets or the shape of 'layers.1.bias' are impossible"
            ),
            ("[0, 4]", "[-4, 4]", "not a valid safetensors file: 'layers.1.bias' overlaps the tensor before it"),
            ("[0, 4]", "[0, 1.5]", "not a valid safetensors file: the header is not JSON of this format"),
            (
                "[0, 4]", "[0, 1e400]",
                "not a valid safetensors file: the header is not JSON of this format"
            ),
            ("[0, 4]", "[0, 8]", "not a valid safetensors file: 'layers.0.bias' overlaps the tensor before it"),
            ("[4, 12]", "[8, 12]", "not a valid safetensors file: 'layers.0.bias' starts after a hole"),
            (
                "[20, 44]", "[20, 48]",
                "not a valid safetensors file: 'layers.0.weight' ends at byte 48 of 44, so the file may be truncated"
            ),
            (
                "[20, 44]", "[20, 9223372036854775807]",
                "not a valid safetensors file: 'layers.0.weight' ends at byte 9223372036854775807 of 44, so the file may be truncated"
            ),
            ("[20, 44]", "[20, 40]", "not a valid safetensors file: 4 bytes after the last tensor"),
            (
                "\"shape\": [2, 3]", "\"shape\": [3, 2]",
                "not a model that Lockstep can read: 'layers.1.weight' takes 2 inputs from a layer of 3"
            ),
            (
                "\"shape\": [2, 3]", "\"shape\": [2, 4]",
                "not a model that Lockstep can read: 'layers.0.weight' has a length that does not fit its shape [2, 4]"
            ),
            (
                "\"shape\": [2, 3]", "\"shape\": [6]",
                "not a model that Lockstep can read: 'layers.0.weight' has the shape [6], not [outputs, inputs]"
            ),
            (
                "\"shape\": [2, 3]", "\"shape\": [0, 3]",
                "not a model that Lockstep can read: 'layers.0.weight' has the shape [0, 3], not [outputs, inputs]"
            ),
            (
                "\"shape\": [2, 3]", "\"shape\": [2, 9223372036854775807]",
                "not a model that Lockstep can read: 'layers.0.weight' has the shape [2, 9223372036854775807], not [outputs, inputs]"
            ),
            (
                "\"shape\": [2, 3]", "\"shape\": [2, -3]",
                "not a valid safetensors file: the offsets or the shape of 'layers.0.weight' are impossible"
            ),
            (
                "\"shape\": [1, 2]", "\"shape\": [2, 1]",
                "not a model that Lockstep can read: 'layers.1.weight' takes 1 inputs from a layer of 2"
            ),
            ("layers.1.bias", "layers.1.gain", "not a model that Lockstep can read: no tensor 'layers.1.bias'"),
            ("layers.0.weight", "fc1.weight", "not a model that Lockstep can read: no tensor 'layers.0.weight'"),
            ("layers.1.weight", "fc2.weight", "not a model that Lockstep can read: an unexpected tensor 'fc2.weight'"),
            ("{\"__meta", " {\"__meta", "not a valid safetensors file: the header does not start with '{'"),
            ("}}", "}", "not a valid safetensors file: the header is not JSON of this format"),
        ])
    func faultyHeader(original: String, replacement: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let header = Self.foreign.replacing(original, with: replacement)
        #expect(header != Self.foreign)
        let path = try file(header, Array(repeating: 1, count: 11), in: folder)
        let error = message { try ModelFile.load(path) }
        #expect(error == "\(path): \(expected)\(remedy(for: expected))")
    }

    @Test("A duplicate tensor cannot hide bytes")
    func duplicates() throws {
        let folder = try TemporaryFolder()
        let header = Self.foreign.replacing(
            "{\"__meta",
            with:
                "{\"layers.0.weight\": {\"dtype\": \"F32\", \"shape\": [2, 3], \"data_offsets\": [44, 68]}, \"__meta")
        let path = try file(header, Array(repeating: 1, count: 17), in: folder)
        #expect(message { try ModelFile.load(path) }.contains("not a valid safetensors file"))
    }

    @Test(
        "Files that are too short, or something else, are refused",
        arguments: [
            ([], "not a model that Lockstep can read: only 0 bytes long"),
            ([1, 2, 3], "not a model that Lockstep can read: only 3 bytes long"),
            (Array("%PDF-1.4 is no model".utf8), "not a model that Lockstep can read: not a safetensors file"),
            ([UInt8](repeating: 255, count: 8), "not a model that Lockstep can read: not a safetensors file"),
            ([1, 0, 0, 1, 0, 0, 0, 0], "not a model that Lockstep can read: not a safetensors file"),
            ([9, 0, 0, 0, 0, 0, 0, 0, 123], "not a model that Lockstep can read: truncated in its header"),
            ([UInt8](repeating: 0, count: 8), "not a valid safetensors file: the header does not start with '{'"),
            ([2, 0, 0, 0, 0, 0, 0, 0, 123, 125], "not a model that Lockstep can read: no tensor 'layers.0.weight'"),
        ])
    func otherFiles(content: [UInt8], expected: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(content, to: "m")
        #expect(message { try ModelFile.load(path) } == "\(path): \(expected)\(remedy(for: expected))")
    }

    @Test("A header of the maximum length is read; deep and wide JSON is refused")
    func largeHeaders() throws {
        let folder = try TemporaryFolder()
        let padding = String(repeating: " ", count: SafetensorsHeader.maximumLength - Self.foreign.utf8.count)
        let data: [Float] = Array(repeating: 1, count: 11)
        #expect(try ModelFile.load(file(Self.foreign + padding, data, in: folder)).architecture == tiny)
        #expect(
            message { try ModelFile.load(file(Self.foreign + padding + " ", data, in: folder)) }.contains(
                "not a safetensors file"))
        for opening in ["{\"a\":", "["] {
            let deep = "{\"x\":" + String(repeating: opening, count: 150_000)
            #expect(message { try ModelFile.load(file(deep, data, in: folder)) }.contains("is not JSON"))
        }
    }
}

struct DamagedModelTests {
    @Test("Every truncation and every appended byte is refused")
    func truncations() throws {
        let folder = try TemporaryFolder()
        try save(tiny, numbers(11), to: folder("m"))
        let whole = try bytes(of: folder("m"))
        for length in 0..<whole.count {
            let path = try folder.write(whole[..<length], to: "t")
            #expect(throws: ArtifactError.self, "\(length) bytes") { try ModelFile.load(path) }
        }
        let longer = try folder.write(whole + [0], to: "t")
        #expect(throws: ArtifactError.self) { try ModelFile.load(longer) }
    }

    @Test("A flipped bit is refused, or changes neither the weights nor the network")
    func bitFlips() throws {
        let seed: UInt64 = 11
        var random = SplitMix64(seed: seed)
        let folder = try TemporaryFolder()
        let parameters = numbers(11)
        try save(tiny, parameters, to: folder("m"))
        let whole = try bytes(of: folder("m"))
        var accepted = 0
        for round in 0..<10_000 {
            var damaged = whole
            let bit = Int.random(in: 0..<whole.count * 8, using: &random)
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let path = try folder.write(damaged, to: "d")
            let model: TrainedModel
            do {
                model = try ModelFile.load(path)
            } catch {
                #expect(error.path == path, "seed \(seed), round \(round), bit \(bit)")
                continue
            }
            accepted += 1
            #expect(bits(model.parameters) == bits(parameters), "seed \(seed), round \(round), bit \(bit)")
            #expect(model.architecture == tiny && model.cost == .quadratic, "seed \(seed), round \(round), bit \(bit)")
        }
        // Letters of the data set's name and digits of the seed, which are not checked.
        #expect(accepted > 0 && accepted < 5_000)
    }

    @Test("Random bytes after a plausible length are refused", arguments: 1...8 as ClosedRange<UInt64>)
    func randomBytes(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let folder = try TemporaryFolder()
        for _ in 0..<100 {
            let count = Int.random(in: 0...300, using: &random)
            var content: [UInt8] = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            content = [UInt8.random(in: 0...200, using: &random), 0, 0, 0, 0, 0, 0, 0, UInt8(ascii: "{")] + content
            let path = try folder.write(content, to: "r")
            #expect(throws: ArtifactError.self, "seed \(seed)") { try ModelFile.load(path) }
        }
    }
}
