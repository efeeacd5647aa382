import LockstepModel
import LockstepNetwork
import LockstepNumerics

/// The formats of a model for other programs.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// The format of Lockstep's model files, which PyTorch and others read.
    case safetensors
    /// A graph of operators for ONNX Runtime and others.
    case onnx
    /// A zip archive of numpy arrays.
    case npz
    /// A page that runs the network in a browser, on a digit that the user draws.
    case html
}

extension TrainedModel {
    /// Writes the model for another program.
    ///
    /// - Parameters:
    ///   - path: The file; an existing one is replaced atomically.
    ///   - format: The format.
    /// - Throws: ``ArtifactError`` with the path if the file cannot be written or the format cannot hold the model.
    package func export(to path: String, as format: ExportFormat) throws(ArtifactError) {
        switch format {
        case .safetensors:
            try ModelFile.save(
                to: path, architecture: architecture, cost: cost, parameters: UnsafeBufferPointer(parameters.buffer),
                metadata: metadata)
        case .onnx: try AtomicFile.write(try ONNXExport(self).bytes(path: path), to: path)
        case .npz: try AtomicFile.write(NPZArchive(self).bytes, to: path)
        case .html: try AtomicFile.write(try HTMLExport(self).page(path: path), to: path)
        }
    }
}
