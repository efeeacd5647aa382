import Glibc
import LockstepSystem

/// Why a file or folder of a run could not be read or written: which one, why, and what to do.
package enum ArtifactError: Error, Equatable, Sendable {
    /// The kernel refused; `code` is an errno.
    case system(Operation, path: String, code: Int32)
    /// The path names something else than the regular file that is needed.
    case notARegularFile(path: String)
    /// More bytes than a file of this kind may have.
    case tooLarge(path: String, limit: Int)
    /// The bytes do not mean what they should.
    case malformed(path: String, reason: String, remedy: String?)
    /// A run directory must be new or empty.
    case notEmpty(path: String)
    /// Another process works in the run directory.
    case inUse(path: String, processID: Int32?)
    /// Something that is no folder stands where a folder is needed.
    case notADirectory(path: String)

    /// What the kernel was asked for, as it stands behind "cannot".
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
            .notEmpty(let path), .inUse(let path, _), .notADirectory(let path):
            path
        }
    }

    /// Whether a file was read whose bytes are at fault.
    package var isAboutContent: Bool {
        switch self {
        case .malformed, .tooLarge: true
        case .system, .notARegularFile, .notEmpty, .inUse, .notADirectory: false
        }
    }

    /// Whether a file was asked for that is not there or cannot be read.
    package var isAboutInput: Bool {
        switch self {
        case .system(.read, _, _), .notARegularFile: true
        case .system, .malformed, .tooLarge, .notEmpty, .inUse, .notADirectory: false
        }
    }
}

extension ArtifactError: CustomStringConvertible {
    /// One line: what, why, remedy.
    package var description: String {
        let name = path.printable
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
        case .notEmpty:
            return
                "\(name): the run directory is not empty; give --output a new or empty folder, or go on with the run "
                + "by --resume"
        case .inUse(_, let processID):
            return "\(name): in use by \(processID.map { "process \($0)" } ?? "another process"); wait for its end, "
                + "or stop it"
        case .notADirectory:
            return "\(name): not a folder; move it away or give --output another path"
        }
    }

    /// The kernel's text for an errno: `No space left on device`.
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
