import LockstepNetwork
import LockstepNumerics

/// The formats that a model can be written in for other programs.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// The format of our own model files, which PyTorch and others read.
    case safetensors
    /// A computation graph for ONNX Runtime and others.
    case onnx
    /// A zip archive of numpy arrays.
    case npz
    /// A page that runs the network in a browser and has a field to draw a digit in.
    case html
}

extension Model {
    /// Writes the model for another program.
    ///
    /// - Parameters:
    ///   - path: The file; one that is there is replaced as a whole.
    ///   - format: What to write.
    /// - Throws: ``ArtifactError`` with the path when the file system refuses, or when the format cannot hold the model.
    package func export(to path: String, as format: ExportFormat) throws(ArtifactError) {
        switch format {
        case .safetensors:
            try ModelFile.save(
                to: path, architecture: architecture, cost: cost, parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: metadata)
        case .onnx: try write(try ONNXExport(self).bytes(path: path), to: path)
        case .npz: try write(NPZArchive(self).bytes, to: path)
        case .html: try AtomicFile.write(try HTMLExport(self).page(path: path), to: path)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(ArtifactError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try AtomicFile.write([UnsafeRawBufferPointer(bytes)], to: path)
        }
    }

    /// The bytes of a tensor, little-endian float32, row-major.
    func bytes(of tensor: ParameterTensor) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range]))
    }

    var layout: ParameterLayout {
        guard let layout = try? ParameterLayout(architecture) else {
            preconditionFailure("a model whose network cannot be built")
        }
        return layout
    }
}
