import LockstepDigest
import LockstepModel
package import LockstepNetwork
package import LockstepNumerics

/// A trained network: its architecture, its weights and its metadata.
package struct TrainedModel: Sendable {
    package let network: NetworkModel
    /// In the network's layout.
    package var parameters: FloatBuffer
    package var metadata: ModelMetadata
    /// SHA-256 of the parameters as little-endian float32, in hexadecimal.
    package var weightsSHA256: String

    package var architecture: Architecture { network.architecture }
    package var cost: Cost { network.objective.cost }
    var layout: ParameterLayout { network.layout }

    /// The bytes of a tensor, little-endian float32, row-major.
    func bytes(of tensor: ParameterLayout.Tensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range]))
    }
}

/// Models as safetensors files, which PyTorch and others read.
///
/// Tensors have PyTorch's names and shapes: `layers.0.weight` [outputs, inputs] or [filters, channels, rows, columns],
/// `layers.0.bias` [outputs], all float32; the number is the layer's place among `network.layers`, or among the dense layers
/// of `network.sizes`. The metadata, which are texts, have everything else that running the network needs.
package enum ModelFile {
    /// The keys of the metadata.
    enum Key {
        static let formatVersion = "format_version"
        static let sizes = "sizes"
        /// The name and the settings of a program's own model, in place of a network.
        static let model = "model"
        /// Input and layers as JSON, in place of `sizes` and `activation`.
        static let network = "network"
        static let activation = "activation"
        static let output = "output"
        static let cost = "cost"
        static let initializer = "initializer"
        static let inputScale = "input_scale"
        /// The names of the outputs between commas; as a JSON array where a name has a comma or looks like one.
        static let labels = "labels"
        /// A `TargetEncoding`: `binary`, or `is 9`.
        static let targets = "targets"
        /// A ``TablePreparation`` as JSON.
        static let table = "table"
        /// A `PicturePreparation` as JSON.
        static let pictures = "pictures"
        static let weightsSHA256 = "weights_sha256"
        static let programVersion = "program_version"
        static let data = "data"
        static let dataSHA256 = "data_sha256"
        static let seed = "seed"
    }

    /// Increased when an older program could misread a newer file: 1 for networks of sizes, 2 for networks of layers.
    static let formatVersions = ["1", "2"]

    /// The value of ``Key/network``.
    struct LayeredNetwork: Codable {
        var input: [Int]
        var layers: [Layer]
    }

    /// Writes a model with these `parameters`, in the architecture's ``ParameterLayout``.
    ///
    /// A file at `path` is replaced atomically. Throws an ``ArtifactError`` with the path if it cannot be written.
    package static func save(
        to path: String, architecture: Architecture, cost: Cost, targets: TargetEncoding? = nil,
        parameters: UnsafeBufferPointer<Float>,
        metadata: ModelMetadata
    ) throws(ArtifactError) {
        guard let layout = try? NetworkModel(architecture, objective: Objective(cost: cost)).layout,
            layout.count == parameters.count
        else { preconditionFailure("parameters that do not fit the architecture") }
        try write(parameters, layout, to: path, texts: try texts(architecture, cost, targets, metadata, path: path))
    }

    /// Writes tensors with these metadata and, besides, the parameters' digest.
    static func write(
        _ parameters: UnsafeBufferPointer<Float>, _ layout: ParameterLayout, to path: String, texts: [String: String]
    ) throws(ArtifactError) {
        // Lockstep runs on little-endian machines only, so the file's bytes are the buffer's.
        let data = UnsafeRawBufferPointer(parameters)
        var texts = texts
        texts[Key.weightsSHA256] = SHA256.hash(data).hex
        let header = SafetensorsHeader(
            tensors: Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, .init($0)) }), metadata: texts)
        let prefix: [UInt8]
        do {
            prefix = try header.encoded()
        } catch {
            throw .malformed(path: path, reason: "the header cannot be encoded: \(error)", remedy: nil)
        }
        try prefix.withUnsafeBufferPointer { (prefix) throws(ArtifactError) in
            try AtomicFile.write([UnsafeRawBufferPointer(prefix), data], to: path)
        }
    }

    /// The names of a model's outputs as the metadata have them; nil if they have none.
    static func labelsText(_ labels: [String], path: String) throws(ArtifactError) -> String? {
        guard !labels.isEmpty else { return nil }
        let isPlain = labels.allSatisfy { !$0.utf8.contains(UInt8(ascii: ",")) } && labels[0].first != "["
        return isPlain && labels != [""]
            ? labels.joined(separator: ",") : String(try jsonText(labels, path: path).dropLast())
    }

    private static func texts(
        _ architecture: Architecture, _ cost: Cost, _ targets: TargetEncoding?, _ metadata: ModelMetadata, path: String
    ) throws(ArtifactError) -> [String: String] {
        var texts = try self.texts(metadata, path: path)
        texts[Key.output] = architecture.output.rawValue
        texts[Key.initializer] = architecture.initializer.rawValue
        texts[Key.cost] = cost.rawValue
        texts[Key.targets] = targets?.text
        if architecture.layers.isEmpty {
            texts[Key.formatVersion] = formatVersions[0]
            texts[Key.sizes] = architecture.sizes.map(String.init).joined(separator: ",")
            texts[Key.activation] = architecture.activation.rawValue
        } else {
            texts[Key.formatVersion] = formatVersions[1]
            let network = LayeredNetwork(input: architecture.input, layers: architecture.layers)
            texts[Key.network] = String(try jsonText(network, path: path).dropLast())
        }
        return texts
    }

    /// The metadata that do not describe the network.
    static func texts(_ metadata: ModelMetadata, path: String) throws(ArtifactError) -> [String: String] {
        var texts: [String: String] = [:]
        texts[Key.inputScale] = metadata.inputScale?.rawValue
        texts[Key.labels] = try labelsText(metadata.labels, path: path)
        texts[Key.table] = try metadata.table.map { (table) throws(ArtifactError) in
            String(try jsonText(table, path: path).dropLast())
        }
        texts[Key.pictures] = try metadata.pictures.map { (pictures) throws(ArtifactError) in
            String(try jsonText(pictures, path: path).dropLast())
        }
        texts[Key.seed] = metadata.seed.map(String.init)
        texts[Key.data] = metadata.dataName
        texts[Key.dataSHA256] = metadata.dataSHA256
        texts[Key.programVersion] = metadata.programVersion
        return texts
    }
}

extension SafetensorsHeader.Tensor {
    /// The place of a tensor of the parameter buffer in a file that starts with the buffer.
    init(_ tensor: ParameterLayout.Tensor) {
        let stride = MemoryLayout<Float>.stride
        self.init(
            dtype: "F32", shape: tensor.shape,
            dataOffsets: [tensor.range.lowerBound * stride, tensor.range.upperBound * stride])
    }
}
