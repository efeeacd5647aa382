import Foundation
import LockstepDigest
package import LockstepModel
import LockstepNumerics
import LockstepText
import LockstepTraining

/// Checkpoints as safetensors files.
///
/// The tensors are the weights, with the names of a model file, `optimizer.NAME` [parameters] for each buffer of the
/// optimizer, `progress` (JSON in bytes) and, at the end, `sha256`: the digest of every byte before it, with the header.
/// So no change of the file goes unnoticed, and other programs can read it.
package enum CheckpointFile {
    /// The names of the tensors that are not weights.
    enum Tensor {
        static let progress = "progress"
        static let digest = "sha256"

        static func optimizer(_ name: String) -> String { optimizerPrefix + name }
        static let optimizerPrefix = "optimizer."
    }

    /// The keys of the metadata.
    enum Key {
        static let format = "format"
        static let formatVersion = "format_version"
        static let step = "step"
        static let epoch = "epoch"
        static let configuration = "configuration_sha256"
        static let configurationWithoutPaths = "configuration_without_paths_sha256"
        static let data = "data_sha256"
        static let programVersion = "program_version"
        static let kernel = "kernel"
        static let fingerprint = "fingerprint"
    }

    static let format = "lockstep-checkpoint"
    /// The versions that this program reads; it writes the last one. A change gets a new version if an older program could
    /// misread the new files.
    static let formatVersions = ["1"]
    /// Bytes that the progress may have: about a million epochs.
    static let maximumProgress = 1 << 29

    /// Replaces the file at `path` by a checkpoint, atomically; `before` is called before each stage.
    package static func save(
        _ checkpoint: Checkpoint, layout: ParameterLayout, to path: String, before: AtomicFile.Hook = { _ in }
    ) throws(ArtifactError) {
        let state = checkpoint.state
        let progress = try encode(state.progress, path: path)
        let prefix: [UInt8]
        do {
            prefix = try header(of: checkpoint, layout: layout, progressBytes: progress.count).encoded()
        } catch {
            throw .malformed(path: path, reason: "the header cannot be encoded: \(error)", remedy: nil)
        }
        // On the little-endian machines that Lockstep runs on, the file's bytes are the buffers'.
        let buffers = ([state.parameters] + state.optimizer.map(\.buffer)).map { UnsafeRawBufferPointer($0.buffer) }
        try withBytes(prefix) { (prefix) throws(ArtifactError) in
            try withBytes(progress) { (progress) throws(ArtifactError) in
                let parts = [prefix] + buffers + [progress]
                var hash = SHA256()
                for part in parts { hash.update(part) }
                // What changes before this is seen here, what changes later does not have the digest.
                guard state.isIntact else {
                    throw .malformed(
                        path: path, reason: "the state changed in this process's memory while it was saved",
                        remedy: "check the host's memory and processor")
                }
                try withBytes(hash.finalize().bytes) { (digest) throws(ArtifactError) in
                    try AtomicFile.write(parts + [digest], to: path, before: before)
                }
            }
        }
    }

    private static func withBytes(
        _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(ArtifactError) -> Void
    ) throws(ArtifactError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(ArtifactError) in try body(UnsafeRawBufferPointer(bytes)) }
    }

    private static func header(
        of checkpoint: Checkpoint, layout: ParameterLayout, progressBytes: Int
    ) -> SafetensorsHeader {
        var tensors = Dictionary(
            uniqueKeysWithValues: layout.tensors.map { ($0.name, SafetensorsHeader.Tensor($0)) })
        var end = layout.count * MemoryLayout<Float>.stride
        func append(_ name: String, _ dtype: String, _ shape: Int, bytes: Int) {
            tensors[name] = SafetensorsHeader.Tensor(dtype: dtype, shape: [shape], dataOffsets: [end, end + bytes])
            end += bytes
        }
        for (name, buffer) in checkpoint.state.optimizer {
            precondition(buffer.count == layout.count, "an optimizer's buffer with another layout than the parameters")
            append(Tensor.optimizer(name), "F32", layout.count, bytes: layout.count * MemoryLayout<Float>.stride)
        }
        append(Tensor.progress, "U8", progressBytes, bytes: progressBytes)
        append(Tensor.digest, "U8", SHA256Digest.byteCount, bytes: SHA256Digest.byteCount)
        return SafetensorsHeader(tensors: tensors, metadata: metadata(of: checkpoint))
    }

    private static func metadata(of checkpoint: Checkpoint) -> [String: String] {
        let (identity, progress) = (checkpoint.identity, checkpoint.state.progress)
        var metadata = [
            Key.format: format,
            Key.formatVersion: formatVersions[formatVersions.count - 1],
            Key.step: String(progress.step),
            Key.epoch: String(progress.epoch),
            Key.configuration: identity.configuration,
            Key.data: identity.data,
            Key.programVersion: identity.programVersion,
            Key.kernel: identity.kernel,
            Key.fingerprint: identity.fingerprint.digests.map { "\($0.rows):\($0.digest.hex)" }.joined(separator: ","),
        ]
        metadata[Key.configurationWithoutPaths] = identity.configurationWithoutPaths
        return metadata
    }

    /// Losses may be infinite, for which JSON has no number.
    private static let infinity = (positive: "inf", negative: "-inf", nan: "nan")

    private static func encode(_ progress: TrainingProgress, path: String) throws(ArtifactError) -> [UInt8] {
        let encoder = JSONEncoder.sorted()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: infinity.positive, negativeInfinity: infinity.negative, nan: infinity.nan)
        do {
            return [UInt8](try encoder.encode(progress))
        } catch {
            throw .malformed(path: path, reason: "the progress cannot be encoded: \(error)", remedy: nil)
        }
    }

    /// The progress in these bytes; nil if they have another content.
    static func decodeProgress(_ bytes: Data) -> TrainingProgress? {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: infinity.positive, negativeInfinity: infinity.negative, nan: infinity.nan)
        return try? decoder.decode(TrainingProgress.self, from: bytes)
    }
}
