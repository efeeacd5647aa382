import LockstepDigest
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepSystem
import LockstepText

extension ModelFile {
    /// Reads a model that Lockstep or another program wrote; the tensors may come in any order.
    ///
    /// Total: any bytes give a model, or an error that names the file and the fault. The metadata must have what running the
    /// network needs: `cost`, and `network` or `activation`; `sizes` follow from the tensors. Other metadata are checked if they are
    /// there: a wrong `weights_sha256` means that the file was altered.
    package static func load(_ path: String) throws(ArtifactError) -> TrainedModel {
        let file = try open(path)
        let header = file.header
        if let model = header.metadata[Key.model] {
            throw .malformed(
                path: path,
                reason: "a model of a program's own, \(model.prefix(60).description.printable), and no network",
                remedy: "use the program that brings this model")
        }
        let reader = ModelMetadataReader(path: path, texts: header.metadata)
        let (architecture, cost) =
            if let layered = try reader.layeredNetwork() { layered } else {
                try reader.network(sizes: sizes(of: header, path: path))
            }
        let targets = try reader.targets()
        guard targets == nil || architecture.output == .sigmoid else {
            throw malformed(path, "targets other than one-hot with the output \(architecture.output.rawValue)")
        }
        let network: NetworkModel
        do {
            network = try NetworkModel(architecture, objective: Objective(cost: cost, targets: targets))
        } catch {
            throw malformed(path, "\(error)")
        }
        let layout = network.layout
        try checkTensors(of: header, layout, path: path)
        let metadata = try reader.metadata(inputs: network.inputs, outputs: network.answers)

        let (parameters, digest) = try parameters(of: file, layout, path: path)
        return TrainedModel(network: network, parameters: parameters, metadata: metadata, weightsSHA256: digest)
    }

    /// Opens a file that is no checkpoint.
    static func open(_ path: String) throws(ArtifactError) -> SafetensorsFile {
        let file = try SafetensorsFile(path: path, what: "a model that Lockstep can read", remedy: remedy)
        guard file.header.metadata[CheckpointFile.Key.format] != CheckpointFile.format else {
            throw .malformed(
                path: path, reason: "a checkpoint, from which a run continues, and not a model",
                remedy: "give best.safetensors or model.safetensors of the run")
        }
        return file
    }

    /// Reads the tensors, which ``checkTensors(of:_:path:)`` has accepted, and their digest.
    static func parameters(
        of file: borrowing SafetensorsFile, _ layout: ParameterLayout, path: String
    ) throws(ArtifactError) -> (FloatBuffer, digest: String) {
        let parameters = FloatBuffer(count: layout.count)
        for tensor in layout.tensors {
            let target = UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range])
            try file.read(tensor.name, into: UnsafeMutableRawBufferPointer(target))
        }
        let digest = SHA256.hash(UnsafeRawBufferPointer(parameters.buffer)).hex
        if let expected = file.header.metadata[Key.weightsSHA256], expected != digest {
            throw .malformed(
                path: path, reason: "altered or damaged: its weights do not have the SHA-256 in its metadata",
                remedy: "copy it from its source again")
        }
        return (parameters, digest)
    }

    /// Checks that the file has each tensor of the network and no other.
    static func checkTensors(
        of header: SafetensorsHeader, _ layout: ParameterLayout, path: String
    ) throws(ArtifactError) {
        for expected in layout.tensors {
            guard let tensor = header.tensors[expected.name] else {
                throw malformed(path, "no tensor '\(expected.name)'")
            }
            guard tensor.shape == expected.shape else {
                throw malformed(path, "'\(expected.name)' has the shape \(tensor.shape), not \(expected.shape)")
            }
            try checkElements(of: tensor, name: expected.name, path: path)
        }
        let names = Set(layout.tensors.map(\.name))
        if let unknown = header.tensors.keys.filter({ !names.contains($0) }).min() {
            throw malformed(path, "an unexpected tensor '\(unknown.printable)'")
        }
    }

    /// The layer sizes that follow from the tensors' shapes.
    private static func sizes(of header: SafetensorsHeader, path: String) throws(ArtifactError) -> [Int] {
        var sizes: [Int] = []
        while true {
            let name = "layers.\(max(0, sizes.count - 1)).weight"
            guard let weight = header.tensors[name] else { break }
            guard weight.shape.count == 2, weight.shape.allSatisfy((1...Architecture.maximumLayerSize).contains) else {
                throw malformed(path, "'\(name)' has the shape \(weight.shape), not [outputs, inputs]")
            }
            let (outputs, inputs) = (weight.shape[0], weight.shape[1])
            guard sizes.isEmpty || sizes.last == inputs else {
                throw malformed(path, "'\(name)' takes \(inputs) inputs from a layer of \(sizes.last ?? 0)")
            }
            if sizes.isEmpty { sizes.append(inputs) }
            sizes.append(outputs)
        }
        guard !sizes.isEmpty else { throw malformed(path, "no tensor 'layers.0.weight'") }
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

    static func malformed(_ path: String, _ reason: String) -> ArtifactError {
        .malformed(path: path, reason: "not a model that Lockstep can read: \(reason)", remedy: remedy)
    }

    /// What to do about a file that is no model.
    private static let remedy = "give a model file, such as best.safetensors of a run"
}
