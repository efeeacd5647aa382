import Glibc

/// Files that are replaced as a whole: a reader, or a crash at any moment, finds the old content or the new one.
package enum AtomicFile {
    /// What is done next when a file is replaced.
    package enum Stage: Hashable, Sendable {
        case create
        /// One of the parts, from 0.
        case write(part: Int)
        case synchronize
        case rename
        case synchronizeFolder
    }

    /// Called ahead of each stage. What it throws counts as the stage's failure: tests fail, or die, at each of them.
    package typealias Hook = (Stage) throws(ArtifactError) -> Void

    /// Replaces the file at `path` by `parts`, one after the other; `before` is called ahead of each stage.
    ///
    /// Temporary file in the same folder, fsync, rename, fsync of the folder.
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
            // The user knows the file by its final name.
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
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try write([UnsafeRawBufferPointer(bytes)], to: path)
        }
    }

    /// Removes the temporary files that processes have left behind which died while they wrote.
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

/// Folder and last component; the folder of a bare name is ".".
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
