import LockstepDigest
package import LockstepNetwork
package import LockstepNumerics

/// A trained network: its architecture, its weights and its metadata.
package struct Model: Sendable {
    package var architecture: Architecture
    package var cost: Cost
    /// Layer by layer, weights [outputs, inputs] row-major and then biases [outputs].
    package var parameters: FloatBuffer
    package var metadata: ModelMetadata
    /// SHA-256 of the parameters as little-endian float32, in hexadecimal.
    package var weightsSHA256: String
}

/// Models as safetensors files, which PyTorch and others read.
///
/// Tensors have PyTorch's names: `layers.0.weight` [outputs, inputs], `layers.0.bias` [outputs], all float32. The metadata,
/// which are texts, have everything else that running the network needs.
package enum ModelFile {
    /// The keys of the metadata.
    enum Key {
        static let formatVersion = "format_version"
        static let sizes = "sizes"
        static let activation = "activation"
        static let output = "output"
        static let cost = "cost"
        static let initializer = "initializer"
        static let inputScale = "input_scale"
        static let labels = "labels"
        static let weightsSHA256 = "weights_sha256"
        static let programVersion = "program_version"
        static let data = "data"
        static let dataSHA256 = "data_sha256"
        static let seed = "seed"
    }

    /// Increased when an older program could misread a newer file.
    static let formatVersion = "1"

    /// Writes a model with these `parameters`, in the architecture's ``ParameterLayout``.
    ///
    /// A file at `path` is replaced atomically. Throws an ``ArtifactError`` with the path if it cannot be written.
    package static func save(
        to path: String, architecture: Architecture, cost: Cost, parameters: UnsafeBufferPointer<Float>,
        metadata: ModelMetadata
    ) throws(ArtifactError) {
        guard let layout = try? ParameterLayout(architecture), layout.count == parameters.count else {
            preconditionFailure("parameters that do not fit the architecture")
        }
        precondition(metadata.labels.allSatisfy { !$0.contains(",") }, "a label with a comma")
        // Lockstep runs on little-endian machines only, so the file's bytes are the buffer's.
        let data = UnsafeRawBufferPointer(parameters)
        let header = SafetensorsHeader(
            tensors: Dictionary(uniqueKeysWithValues: layout.tensors.map { ($0.name, .init($0)) }),
            metadata: texts(architecture, cost, metadata, weightsSHA256: SHA256.hash(data).hex))
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

    private static func texts(
        _ architecture: Architecture, _ cost: Cost, _ metadata: ModelMetadata, weightsSHA256: String
    ) -> [String: String] {
        var texts = [
            Key.formatVersion: formatVersion,
            Key.sizes: architecture.sizes.map(String.init).joined(separator: ","),
            Key.activation: architecture.activation.rawValue,
            Key.output: architecture.output.rawValue,
            Key.initializer: architecture.initializer.rawValue,
            Key.cost: cost.rawValue,
            Key.weightsSHA256: weightsSHA256,
        ]
        texts[Key.inputScale] = metadata.inputScale?.rawValue
        texts[Key.labels] = metadata.labels.isEmpty ? nil : metadata.labels.joined(separator: ",")
        texts[Key.seed] = metadata.seed.map(String.init)
        texts[Key.data] = metadata.dataName
        texts[Key.dataSHA256] = metadata.dataSHA256
        texts[Key.programVersion] = metadata.programVersion
        return texts
    }
}

extension SafetensorsHeader.Tensor {
    /// The place of a tensor of the parameter buffer in a file that starts with the buffer.
    init(_ tensor: ParameterTensor) {
        let stride = MemoryLayout<Float>.stride
        self.init(
            dtype: "F32", shape: tensor.shape,
            dataOffsets: [tensor.range.lowerBound * stride, tensor.range.upperBound * stride])
    }
}
