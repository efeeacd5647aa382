import Glibc
import LockstepSystem
import LockstepText

/// Why a file or folder of a run cannot be read or written, with the remedy.
package enum ArtifactError: Error, Equatable, Sendable {
    /// A system call failed; `code` is an errno.
    case system(Operation, path: String, code: Int32)
    /// The path is not a regular file.
    case notARegularFile(path: String)
    /// More bytes than a file of this kind may have.
    case tooLarge(path: String, limit: Int)
    /// The file has the wrong content.
    case malformed(path: String, reason: String, remedy: String?)
    /// This program does not read the file's format version: a later release wrote it, or the file names none. The file
    /// may be intact.
    case unknownVersion(path: String, version: String?, known: [String])
    /// A run directory must be new or empty.
    case notEmpty(path: String)
    /// Another process uses the run directory.
    case inUse(path: String, processID: Int32?)
    /// The path is not a folder.
    case notADirectory(path: String)

    /// What failed, as the word after "cannot".
    package enum Operation: String, Sendable {
        case read
        case write
        case makeFolder = "make the folder"
        case readFolder = "read the folder"
        case writeFolder = "write into the folder"
    }

    /// The file or folder that the error is about.
    package var path: String {
        switch self {
        case .system(_, let path, _), .notARegularFile(let path), .tooLarge(let path, _), .malformed(let path, _, _),
            .unknownVersion(let path, _, _), .notEmpty(let path), .inUse(let path, _), .notADirectory(let path):
            path
        }
    }

    /// Whether a file that was read has the wrong content.
    package var isAboutContent: Bool {
        switch self {
        case .malformed, .unknownVersion, .tooLarge: true
        case .system, .notARegularFile, .notEmpty, .inUse, .notADirectory: false
        }
    }

    /// Whether a file to read does not exist or cannot be read.
    package var isAboutInput: Bool {
        switch self {
        case .system(.read, _, _), .notARegularFile: true
        case .system, .malformed, .unknownVersion, .tooLarge, .notEmpty, .inUse, .notADirectory: false
        }
    }
}

extension ArtifactError: CustomStringConvertible {
    /// One line: what, why, remedy.
    package var description: String {
        let name = path.printableName
        switch self {
        case .system(let operation, _, let code):
            let remedy = Self.remedy(for: code).map { "; \($0)" } ?? ""
            return "\(name): cannot \(operation.rawValue): \(Self.text(of: code))\(remedy)"
        case .notARegularFile:
            return "\(name): not a regular file; give the path of a file"
        case .tooLarge(_, let limit):
            return "\(name): larger than \(limit) bytes; this is not a file of the expected kind"
        case .malformed(_, let reason, let remedy):
            return "\(name): \(reason)" + (remedy.map { "; \($0)" } ?? "")
        case .unknownVersion(_, let version, let known):
            let found = version.map { "its format version is '\($0.printable)'" } ?? "it names no format version"
            return
                "\(name): \(found), this program reads \(known.joined(separator: " and ")); use the program that wrote it"
        case .notEmpty:
            return
                "\(name): the run directory is not empty; give --output a new or empty folder, or resume the run "
                + "with --resume"
        case .inUse(_, let processID):
            return "\(name): in use by \(processID.map { "process \($0)" } ?? "another process"); wait until it ends, "
                + "or stop it"
        case .notADirectory:
            return "\(name): not a folder; move it away or give --output another path"
        }
    }

    /// The system's text for an errno: `No space left on device`.
    private static func text(of code: Int32) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }

    private static func remedy(for code: Int32) -> String? {
        switch code {
        case EACCES, EPERM: "check the permissions or choose another path"
        case EROFS: "the file system is read-only: choose another path"
        case ENOSPC, EDQUOT: "free some space or choose another path"
        case ENOENT, ENOTDIR: "check the path"
        case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
        default: nil
        }
    }
}
