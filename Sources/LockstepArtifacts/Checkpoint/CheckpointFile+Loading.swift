import Foundation
import LockstepDigest
package import LockstepModel
import LockstepNumerics
import LockstepSystem
import LockstepText
import LockstepTraining

extension CheckpointFile {
    /// Reads a checkpoint of a network with this layout.
    ///
    /// Total: any bytes give a checkpoint, or an error that names the file and the fault. The digest covers all bytes, so
    /// what is accepted was written by a run. Every version of the format ends with the digest. The digest is checked before
    /// the version, so a damaged version number counts as damage and not as another version.
    ///
    /// - Throws: ``ArtifactError/unknownVersion(path:version:known:)`` for an intact file of another version.
    package static func load(_ path: String, layout: ParameterLayout) throws(ArtifactError) -> Checkpoint {
        let file = try SafetensorsFile(path: path, what: "a checkpoint")
        let metadata = file.header.metadata
        guard metadata[Key.format] == format else { throw malformed(path, "not a checkpoint of Lockstep") }
        try checkDigest(of: file)
        guard let version = metadata[Key.formatVersion], formatVersions.contains(version) else {
            throw .unknownVersion(path: path, version: metadata[Key.formatVersion], known: formatVersions)
        }
        let identity = try identity(in: metadata, path: path)
        let progress = try progress(in: file)
        guard metadata[Key.step] == String(progress.step), metadata[Key.epoch] == String(progress.epoch) else {
            throw malformed(path, "its metadata and its progress have different steps")
        }
        return Checkpoint(
            identity: identity,
            state: TrainingState(
                progress: progress, parameters: try parameters(in: file, layout: layout),
                optimizer: try optimizer(in: file, layout: layout)))
    }

    /// Compares the digest at the file's end with the digest of all bytes before it.
    private static func checkDigest(of file: borrowing SafetensorsFile) throws(ArtifactError) {
        let covered = file.size - SHA256Digest.byteCount
        guard let tensor = file.header.tensors[Tensor.digest], tensor.dtype == "U8", covered >= file.dataStart,
            tensor.dataOffsets == [covered - file.dataStart, file.size - file.dataStart]
        else { throw malformed(file.path, "its last tensor is not its SHA-256") }
        var hash = SHA256()
        var block = [UInt8](repeating: 0, count: min(1 << 20, covered))
        var offset = 0
        while offset < covered {
            let count = min(block.count, covered - offset)
            try block.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
                let bytes = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: target[..<count]))
                try file.read(into: bytes, at: offset)
                hash.update(UnsafeRawBufferPointer(bytes))
            }
            offset += count
        }
        var expected = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        try expected.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
            try file.read(Tensor.digest, into: UnsafeMutableRawBufferPointer(target))
        }
        guard hash.finalize().bytes == expected else {
            throw .malformed(
                path: file.path, reason: "altered or damaged: its bytes do not have the SHA-256 at its end", remedy: nil
            )
        }
    }

    private static func identity(in metadata: [String: String], path: String) throws(ArtifactError) -> RunIdentity {
        func text(_ key: String) throws(ArtifactError) -> String {
            guard let text = metadata[key] else { throw malformed(path, "no '\(key)' in its metadata") }
            return text
        }
        var digests: [NumericFingerprint.BlockDigest] = []
        for part in try text(Key.fingerprint).split(separator: ",") {
            let fields = part.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 2, let rows = Int(fields[0]), let digest = SHA256Digest(hex: String(fields[1])) else {
                throw malformed(path, "its numeric fingerprint is malformed")
            }
            digests.append(NumericFingerprint.BlockDigest(rows: rows, digest: digest))
        }
        return RunIdentity(
            configuration: try text(Key.configuration),
            configurationWithoutPaths: metadata[Key.configurationWithoutPaths], data: try text(Key.data),
            programVersion: try text(Key.programVersion), kernel: try text(Key.kernel),
            fingerprint: NumericFingerprint(digests: digests))
    }

    private static func progress(in file: borrowing SafetensorsFile) throws(ArtifactError) -> TrainingProgress {
        guard let tensor = file.header.tensors[Tensor.progress] else { throw malformed(file.path, "no progress") }
        let count = tensor.dataOffsets[1] - tensor.dataOffsets[0]
        guard count <= maximumProgress else { throw .tooLarge(path: file.path, limit: maximumProgress) }
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBufferPointer { (target) throws(ArtifactError) in
            try file.read(Tensor.progress, into: UnsafeMutableRawBufferPointer(target))
        }
        guard let progress = decodeProgress(Data(bytes)), progress.isPlausible else {
            throw malformed(file.path, "its progress is not what this program writes")
        }
        return progress
    }

    private static func parameters(
        in file: borrowing SafetensorsFile, layout: ParameterLayout
    ) throws(ArtifactError) -> FloatBuffer {
        let parameters = FloatBuffer(count: layout.count)
        for tensor in layout.tensors {
            try check(tensor.name, in: file, shape: tensor.shape)
            let target = UnsafeMutableBufferPointer(rebasing: parameters.buffer[tensor.range])
            try file.read(tensor.name, into: UnsafeMutableRawBufferPointer(target))
        }
        return parameters
    }

    private static func optimizer(
        in file: borrowing SafetensorsFile, layout: ParameterLayout
    ) throws(ArtifactError) -> [(name: String, buffer: FloatBuffer)] {
        var buffers: [(name: String, buffer: FloatBuffer)] = []
        for name in file.header.tensors.keys.sorted() where name.hasPrefix(Tensor.optimizerPrefix) {
            try check(name, in: file, shape: [layout.count])
            let buffer = FloatBuffer(count: layout.count)
            try file.read(name, into: UnsafeMutableRawBufferPointer(buffer.buffer))
            buffers.append((String(name.dropFirst(Tensor.optimizerPrefix.count)), buffer))
        }
        return buffers
    }

    /// Checks that there is a float32 tensor of this shape.
    private static func check(
        _ name: String, in file: borrowing SafetensorsFile, shape: [Int]
    ) throws(ArtifactError) {
        guard let tensor = file.header.tensors[name] else {
            throw malformed(file.path, "no tensor '\(name.printable)'")
        }
        let bytes = shape.reduce(MemoryLayout<Float>.stride, *)
        guard tensor.dtype == "F32", tensor.shape == shape, tensor.dataOffsets[1] - tensor.dataOffsets[0] == bytes
        else {
            throw malformed(file.path, "'\(name.printable)' does not have the shape \(shape) of this run's network")
        }
    }

    private static func malformed(_ path: String, _ reason: String) -> ArtifactError {
        .malformed(path: path, reason: "not a checkpoint that this run can resume from: \(reason)", remedy: nil)
    }
}
