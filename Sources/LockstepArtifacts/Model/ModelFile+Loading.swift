import LockstepDigest
import LockstepNetwork
import LockstepNumerics
import LockstepSystem
import LockstepText

extension ModelFile {
    /// Reads a model that Lockstep or another program wrote; the tensors may come in any order.
    ///
    /// Total: any bytes give a model, or an error that names the file and the fault. The metadata must have `activation` and
    /// `cost`, which running the network needs; `sizes` follow from the tensors. Other metadata are checked if they are
    /// there: a wrong `weights_sha256` means that the file was altered.
    package static func load(_ path: String) throws(ArtifactError) -> Model {
        let file = try SafetensorsFile(path: path, what: "a model that Lockstep can read")
        let header = file.header
        let reader = ModelMetadataReader(path: path, texts: header.metadata)
        let (architecture, cost) = try reader.network(sizes: sizes(of: header, path: path))
        let layout: ParameterLayout
        do {
            layout = try ParameterLayout(architecture)
        } catch {
            throw malformed(path, "\(error)")
        }
        let metadata = try reader.metadata(outputs: layout.outputs)

        let parameters = FloatBuffer(count: layout.count)
        for tensor in layout.tensors {
            let target = UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range])
            try file.read(tensor.name, into: UnsafeMutableRawBufferPointer(target))
        }
        let digest = SHA256.hash(UnsafeRawBufferPointer(parameters.buffer)).hex
        if let expected = header.metadata[Key.weightsSHA256], expected != digest {
            throw .malformed(
                path: path, reason: "altered or damaged: its weights do not have the SHA-256 in its metadata",
                remedy: "copy it from its source again")
        }
        return Model(
            architecture: architecture, cost: cost, parameters: parameters, metadata: metadata, weightsSHA256: digest)
    }

    /// The layer sizes that follow from the tensors' shapes.
    private static func sizes(of header: SafetensorsHeader, path: String) throws(ArtifactError) -> [Int] {
        var sizes: [Int] = []
        var names: Set<String> = []
        while let weight = header.tensors[ParameterLayout.weightName(names.count / 2)] {
            let name = ParameterLayout.weightName(names.count / 2)
            let biasName = ParameterLayout.biasName(names.count / 2)
            guard weight.shape.count == 2, weight.shape.allSatisfy((1...Architecture.maximumLayerSize).contains) else {
                throw malformed(path, "'\(name)' has the shape \(weight.shape), not [outputs, inputs]")
            }
            let (outputs, inputs) = (weight.shape[0], weight.shape[1])
            guard sizes.isEmpty || sizes.last == inputs else {
                throw malformed(path, "'\(name)' takes \(inputs) inputs from a layer of \(sizes.last ?? 0)")
            }
            if sizes.isEmpty { sizes.append(inputs) }
            sizes.append(outputs)
            guard let bias = header.tensors[biasName] else { throw malformed(path, "no tensor '\(biasName)'") }
            guard bias.shape == [outputs] else {
                throw malformed(path, "'\(biasName)' has the shape \(bias.shape), not [\(outputs)]")
            }
            try checkElements(of: weight, name: name, path: path)
            try checkElements(of: bias, name: biasName, path: path)
            names.formUnion([name, biasName])
        }
        guard !sizes.isEmpty else { throw malformed(path, "no tensor 'layers.0.weight'") }
        if let unknown = header.tensors.keys.filter({ !names.contains($0) }).min() {
            throw malformed(path, "an unexpected tensor '\(unknown.printable)'")
        }
        return sizes
    }

    private static func checkElements(
        of tensor: SafetensorsHeader.Tensor, name: String, path: String
    ) throws(ArtifactError) {
        guard tensor.dtype == "F32" else {
            throw .malformed(
                path: path, reason: "'\(name)' has elements of type \(tensor.dtype.printable), not F32",
                remedy: "convert it to float32")
        }
        // No shape exceeds the largest layer, so the product cannot overflow.
        let bytes = tensor.shape.reduce(MemoryLayout<Float>.stride, *)
        guard tensor.dataOffsets[1] - tensor.dataOffsets[0] == bytes else {
            throw malformed(path, "'\(name)' has a length that does not fit its shape \(tensor.shape)")
        }
    }

    private static func malformed(_ path: String, _ reason: String) -> ArtifactError {
        .malformed(path: path, reason: "not a model that Lockstep can read: \(reason)", remedy: nil)
    }
}
