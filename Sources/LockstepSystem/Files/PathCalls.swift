package import Glibc
import LockstepText

// System calls that take a path. A path is a string in which bytes that are not UTF-8 are escaped (`String.init(path:)`): these
// functions pass its bytes as they were given. They have the names of the C library's functions, and Swift prefers them for
// strings; a test of the package finds files that call these functions without importing this module.

/// Calls `body` with the bytes of a path, ended by a zero.
package func withPath<Result>(_ path: String, _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    guard path.hasEscapedBytes else { return path.withCString(body) }
    let bytes = path.pathBytes + [0]
    return bytes.withUnsafeBufferPointer { bytes in
        bytes.withMemoryRebound(to: CChar.self) { characters in
            // An array with elements has a base address.
            characters.baseAddress.map(body) ?? path.withCString(body)
        }
    }
}

/// open(2), again if a signal interrupts it.
package func open(_ path: String, _ flags: Int32, _ permissions: mode_t = 0) -> Int32 {
    withPath(path) { path in retryingInterrupts { Glibc.open(path, flags, permissions) } }
}

/// access(2).
package func access(_ path: String, _ mode: Int32) -> Int32 {
    withPath(path) { Glibc.access($0, mode) }
}

/// stat(2), which follows links. (A function called `stat` would hide the structure.)
package func fileStatus(_ path: String, _ status: UnsafeMutablePointer<stat>) -> Int32 {
    withPath(path) { fstatat(AT_FDCWD, $0, status, 0) }
}

/// lstat(2).
package func lstat(_ path: String, _ status: UnsafeMutablePointer<stat>) -> Int32 {
    withPath(path) { Glibc.lstat($0, status) }
}

/// mkdir(2).
package func mkdir(_ path: String, _ permissions: mode_t) -> Int32 {
    withPath(path) { Glibc.mkdir($0, permissions) }
}

/// rmdir(2).
@discardableResult
package func rmdir(_ path: String) -> Int32 {
    withPath(path) { Glibc.rmdir($0) }
}

/// unlink(2).
@discardableResult
package func unlink(_ path: String) -> Int32 {
    withPath(path) { Glibc.unlink($0) }
}

/// rename(2).
package func rename(_ path: String, _ newPath: String) -> Int32 {
    withPath(path) { old in withPath(newPath) { Glibc.rename(old, $0) } }
}

/// link(2): a second name for a file; fails if the name exists.
package func link(_ path: String, _ newPath: String) -> Int32 {
    withPath(path) { old in withPath(newPath) { Glibc.link(old, $0) } }
}

/// readlink(2); nil if the path is no link.
package func target(ofLink path: String) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = withPath(path) { readlink($0, &bytes, bytes.count) }
    return count > 0 ? String(path: bytes.prefix(count).map(UInt8.init(bitPattern:))) : nil
}

/// Makes a folder with a name of its own: mkdtemp(3).
///
/// - Parameter stem: The path up to the six characters that make it unique.
/// - Returns: Its path; nil if the call failed, and errno says why.
package func makeUniqueFolder(_ stem: String) -> String? {
    var template = (stem.pathBytes + Array("XXXXXX".utf8) + [0]).map(CChar.init(bitPattern:))
    guard mkdtemp(&template) != nil else { return nil }
    return String(path: template.dropLast().map(UInt8.init(bitPattern:)))
}

/// An environment variable that holds a path; nil if it is not set.
package func environmentPath(_ name: String) -> String? {
    getenv(name).map { String(path: UnsafePointer($0)) }
}

/// The folder for temporary files: `$TMPDIR`, else /tmp.
package var temporaryFolder: String {
    environmentPath("TMPDIR").flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
}
