import Glibc

/// Files that are replaced as a whole: a reader, or a crash at any moment, finds the old content or the new one.
enum AtomicFile {
    /// Replaces the file at `path` by `parts`, one after the other.
    ///
    /// Temporary file in the same folder, fsync, rename, fsync of the folder.
    static func write(_ parts: [UnsafeRawBufferPointer], to path: String) throws(ArtifactError) {
        let (folder, name) = splitPath(path)
        let temporary = "\(folder)/.\(name).\(getpid()).tmp"
        do throws(ArtifactError) {
            let file = try FileDescriptor(path: temporary, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            for part in parts { try file.write(part) }
            try file.synchronize()
            guard rename(temporary, path) == 0 else {
                throw .system(operation: "write", path: path, code: errno)
            }
        } catch {
            unlink(temporary)
            // The user knows the file by its final name.
            guard case .system(_, temporary, let code) = error else { throw error }
            throw .system(operation: "write", path: path, code: code)
        }
        try FileDescriptor(path: folder, flags: O_RDONLY | O_DIRECTORY).synchronize()
    }

    /// Replaces the file at `path` by `text` in UTF-8.
    static func write(_ text: String, to path: String) throws(ArtifactError) {
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(ArtifactError) in
            try write([UnsafeRawBufferPointer(bytes)], to: path)
        }
    }
}

/// Folder and last component; the folder of a bare name is ".".
func splitPath(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
}
