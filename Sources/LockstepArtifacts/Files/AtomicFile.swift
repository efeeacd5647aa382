package import LockstepSystem
import LockstepText

/// Replaces files atomically: a reader, or a crash at any moment, finds either the old content or the new content.
///
/// A path that is no regular file is written instead: a device, a named pipe, `/dev/stdout`.
package enum AtomicFile {
    package typealias Stage = FileReplacement.Stage
    /// Called before each stage. An error that it throws is the stage's failure: tests fail, or end the process, at each.
    package typealias Hook = (Stage) throws(ArtifactError) -> Void

    /// Replaces the file at `path` by `parts`, one after the other; `before` is called before each stage.
    ///
    /// - Throws: ``ArtifactError`` that names the file.
    static func write(
        _ parts: [UnsafeRawBufferPointer], to path: String, before: Hook = { _ in }
    ) throws(ArtifactError) {
        try FileReplacement.write(path, parts, before: before) {
            .system(.write, path: $0.path ?? path, code: $0.code)
        }
    }

    /// Replaces the file at `path` by `text` in UTF-8; escaped bytes of paths in it are written as they were.
    ///
    /// - Throws: ``ArtifactError`` that names the file.
    package static func write(_ text: String, to path: String) throws(ArtifactError) {
        try write(text.pathBytes, to: path)
    }

    /// Replaces the file at `path` by `bytes`.
    static func write(_ bytes: [UInt8], to path: String) throws(ArtifactError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try write([UnsafeRawBufferPointer(bytes)], to: path)
        }
    }
}
