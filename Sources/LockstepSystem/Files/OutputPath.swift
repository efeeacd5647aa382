import Glibc

/// What stands at a path that a command is to write to, and how it is written.
package enum OutputPath: Equatable, Sendable {
    /// A regular file, or nothing: the file is replaced. The path names the file itself, without symbolic links.
    case file(String)
    /// A device, a named pipe or a socket: it is opened and written.
    case special
    /// An open descriptor of this process, such as `/dev/stdout`: it is written at its position.
    case descriptor(Int32)

    /// The most symbolic links that the kernel follows.
    private static let maximumLinks = 40

    /// Looks at what stands at a path.
    package init(_ path: String) {
        var path = path
        for _ in 0..<Self.maximumLinks {
            if let number = Self.descriptor(namedBy: path) {
                self = .descriptor(number)
                return
            }
            guard let target = target(ofLink: path) else { break }
            path = target.hasPrefix("/") ? target : "\(splitPath(path).folder)/\(target)"
        }
        var status = stat()
        let isThere = fileStatus(path, &status) == 0
        // Links that lead in a circle are not to be replaced either: opening them fails.
        let isSpecial = isThere ? ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) : errno == ELOOP
        self = isSpecial ? .special : .file(path)
    }

    /// The number in `/dev/fd/N` or `/proc/self/fd/N`: what such a path leads to may have no name.
    private static func descriptor(namedBy path: String) -> Int32? {
        for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
            return Int32(path.dropFirst(prefix.count))
        }
        return nil
    }
}

extension FileReplacement {
    /// Writes `parts` to a path, one after the other. Replaces a regular file, and writes into a FIFO or a device.
    ///
    /// A regular file is replaced atomically, also through a symbolic link; if its folder permits no replacement but the
    /// file can be written, it is overwritten. What is no regular file is written.
    ///
    /// - Parameters:
    ///   - path: A path as a user gives it.
    ///   - parts: The content.
    ///   - before: Called before each stage of a replacement, as in ``replace(_:with:through:before:failure:)``.
    ///   - failure: Converts the error of a system call.
    /// - Throws: What `before` throws, or what `failure` returns.
    package static func write<Failure: Error>(
        _ path: String, _ parts: [UnsafeRawBufferPointer],
        before: (Stage) throws(Failure) -> Void = { (_) throws(Failure) in }, failure: (SystemError) -> Failure
    ) throws(Failure) {
        switch OutputPath(path) {
        case .descriptor(let number):
            try converting(path, failure) { () throws(SystemError) in
                for part in parts { try LockstepSystem.write(part, to: number) }
            }
        case .special:
            try overwrite(path, with: parts, flags: O_WRONLY, failure)
        case .file(let file):
            do throws(ReplacementError<Failure>) {
                try replace(file, with: parts) { (stage) throws(ReplacementError<Failure>) in
                    do throws(Failure) { try before(stage) } catch { throw .hook(error) }
                } failure: {
                    .system($0)
                }
            } catch {
                switch error {
                case .hook(let error): throw error
                case .system(let error):
                    guard Self.canOverwrite(file, after: error.code) else { throw failure(error) }
                    try overwrite(file, with: parts, flags: O_WRONLY | O_TRUNC, failure)
                }
            }
        }
    }

    /// Whether a file that cannot be replaced can be overwritten: its folder is not writable, or it is a mount point.
    private static func canOverwrite(_ path: String, after code: Int32) -> Bool {
        [EACCES, EPERM, EROFS, EBUSY].contains(code) && access(path, W_OK) == 0
    }

    private static func overwrite<Failure: Error>(
        _ path: String, with parts: [UnsafeRawBufferPointer], flags: Int32, _ failure: (SystemError) -> Failure
    ) throws(Failure) {
        try converting(path, failure) { () throws(SystemError) in
            let file = try FileDescriptor(opening: path, flags: flags)
            for part in parts { try file.write(part) }
        }
    }

    private enum ReplacementError<Failure: Error>: Error {
        case hook(Failure)
        case system(SystemError)
    }
}
