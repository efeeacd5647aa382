import Glibc

/// Replaces files atomically: a reader, or a crash at any moment, finds either the old content or the new content.
package enum AtomicFile {
    /// The next action of a replacement.
    package enum Stage: Hashable, Sendable {
        case create
        /// One of the parts, from 0.
        case write(part: Int)
        case synchronize
        case rename
        case synchronizeFolder
    }

    /// Called before each stage. An error that it throws is the stage's failure: tests fail, or end the process, at each.
    package typealias Hook = (Stage) throws(ArtifactError) -> Void

    /// Replaces the file at `path` by `parts`, one after the other; `before` is called before each stage.
    ///
    /// Writes a temporary file in the same folder, then fsync, rename, and fsync of the folder.
    static func write(
        _ parts: [UnsafeRawBufferPointer], to path: String, before: Hook = { _ in }
    ) throws(ArtifactError) {
        let (folder, name) = splitPath(path)
        let temporary = temporaryPath(folder: folder, name: name)
        do throws(ArtifactError) {
            try before(.create)
            let file = try FileDescriptor(path: temporary, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            for (index, part) in parts.enumerated() {
                try before(.write(part: index))
                try file.write(part)
            }
            try before(.synchronize)
            try file.synchronize()
            try before(.rename)
            guard rename(temporary, path) == 0 else {
                throw .system(.write, path: path, code: errno)
            }
        } catch {
            unlink(temporary)
            // The error names the file that the user knows.
            guard case .system(_, temporary, let code) = error else { throw error }
            throw .system(.write, path: path, code: code)
        }
        try before(.synchronizeFolder)
        try FileDescriptor(path: folder, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Replaces the file at `path` by `text` in UTF-8.
    ///
    /// - Throws: ``ArtifactError`` that names the file.
    package static func write(_ text: String, to path: String) throws(ArtifactError) {
        try write(Array(text.utf8), to: path)
    }

    /// Replaces the file at `path` by `bytes`.
    static func write(_ bytes: [UInt8], to path: String) throws(ArtifactError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try write([UnsafeRawBufferPointer(bytes)], to: path)
        }
    }

    /// Removes temporary files of processes that ended while they wrote.
    ///
    /// Only for a folder that no other process writes into.
    static func removeLeftovers(in folder: String) {
        for name in (try? names(in: folder)) ?? [] where isTemporary(name) { unlink("\(folder)/\(name)") }
    }

    private static let temporarySuffix = ".tmp"

    private static func temporaryPath(folder: String, name: String) -> String {
        "\(folder)/.\(name).\(getpid())\(temporarySuffix)"
    }

    private static func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(temporarySuffix) else { return false }
        let stem = name.dropLast(temporarySuffix.count)
        guard let dot = stem.lastIndex(of: "."), dot != stem.startIndex else { return false }
        return Int32(stem[stem.index(after: dot)...]) != nil
    }
}

/// The names in a folder, without "." and "..".
func names(in folder: String) throws(ArtifactError) -> [String] {
    guard let handle = opendir(folder) else { throw .system(.readFolder, path: folder, code: errno) }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names
}

/// The folder and the last component of a path; the folder of a bare name is ".".
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
