package import Glibc

/// Replaces files atomically: a reader, or a crash at any moment, finds either the old content or the new content.
package enum FileReplacement {
    /// The next action of a replacement.
    package enum Stage: Hashable, Sendable {
        case create
        /// One of the parts, from 0.
        case write(part: Int)
        case synchronize
        case rename
        case synchronizeFolder
    }

    /// Replaces the file at `path` by `parts`, one after the other.
    ///
    /// Writes a temporary file in the same folder, then fsync, rename, and fsync of the folder. After an error before
    /// the rename, the old file is unchanged and the temporary file is removed.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - parts: The new content.
    ///   - temporary: The path of the temporary file, in the same folder. Nil: `.NAME.PID.tmp`, which is not unique if
    ///     several hosts write to the same path at the same time.
    ///   - permissions: The permissions of a new file, which the umask reduces.
    ///   - before: Called before each stage. An error that it throws counts as the stage's failure. Tests use it to
    ///     simulate a failure or a crash at each stage.
    ///   - failure: Converts the error of a system call. Its path is `path`, or the folder after the rename.
    /// - Throws: What `before` throws, or what `failure` returns.
    package static func replace<Failure: Error>(
        _ path: String, with parts: [UnsafeRawBufferPointer], through temporary: String? = nil,
        permissions: mode_t = 0o666,
        before: (Stage) throws(Failure) -> Void = { (_) throws(Failure) in },
        failure: (SystemError) -> Failure
    ) throws(Failure) {
        let (folder, name) = splitPath(path)
        let temporary = temporary ?? temporaryPath(folder: folder, name: name)
        do throws(Failure) {
            try before(.create)
            let file = try converting(path, failure) { () throws(SystemError) in
                try FileDescriptor(
                    opening: temporary, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, permissions: permissions)
            }
            for (index, part) in parts.enumerated() {
                try before(.write(part: index))
                try converting(path, failure) { () throws(SystemError) in try file.write(part) }
            }
            keepPermissions(of: path, for: file)
            try before(.synchronize)
            try converting(path, failure) { () throws(SystemError) in
                try unlessMissing(.flush, path: path) { () throws(SystemError) in try file.synchronize() }
            }
            try before(.rename)
            guard rename(temporary, path) == 0 else { throw failure(.last("write", path: path)) }
        } catch {
            unlink(temporary)
            throw error
        }
        try before(.synchronizeFolder)
        try converting(folder, failure) { () throws(SystemError) in try synchronizeFolder(folder) }
    }

    /// Waits until the names in a folder are on the disk; where the file system cannot do that, reports it and continues.
    package static func synchronizeFolder(_ folder: String) throws(SystemError) {
        try unlessMissing(.folderFlush, path: folder) { () throws(SystemError) in
            try FileDescriptor(opening: folder, flags: O_RDONLY | O_DIRECTORY).synchronize()
        }
    }

    /// Gives the new file the permissions of the file that it replaces.
    private static func keepPermissions(of path: String, for file: borrowing FileDescriptor) {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return }
        fchmod(file.number, status.st_mode & 0o777)
    }

    /// Runs `body`; reports, and continues without, what the file system lacks. A folder that cannot be read cannot be
    /// flushed either.
    private static func unlessMissing(
        _ missing: FileSystemLimits.Missing, path: String, _ body: () throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) {
            try body()
        } catch {
            guard FileSystemLimits.isMissing(error.code) || (missing == .folderFlush && error.code == EACCES) else {
                throw error
            }
            FileSystemLimits.report(missing, path: path, code: error.code)
        }
    }

    /// Converts the errors of `body`, which are about the file at `path`.
    static func converting<Result: ~Copyable, Failure: Error>(
        _ path: String, _ failure: (SystemError) -> Failure, _ body: () throws(SystemError) -> Result
    ) throws(Failure) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw failure(SystemError(error.operation, code: error.code, path: path))
        }
    }

    /// Removes the temporary files of processes that ended while they wrote.
    ///
    /// Call it only for a folder that no other process writes to.
    package static func removeLeftovers(in folder: String) {
        for name in (try? names(in: folder)) ?? [] where isTemporary(name) { unlink("\(folder)/\(name)") }
    }

    private static let temporarySuffix = ".tmp"

    private static func temporaryPath(folder: String, name: String) -> String {
        "\(folder)/.\(name).\(getpid())\(temporarySuffix)"
    }

    /// Whether a file's name is a temporary file's: `.NAME.PID.tmp`.
    private static func isTemporary(_ name: String) -> Bool {
        guard name.hasPrefix("."), name.hasSuffix(temporarySuffix) else { return false }
        let stem = name.dropLast(temporarySuffix.count)
        guard let dot = stem.lastIndex(of: "."), dot != stem.startIndex else { return false }
        return Int32(stem[stem.index(after: dot)...]) != nil
    }
}
