import Glibc
import LockstepDigest
import LockstepSystem
import LockstepTraining

/// What this process states as its version.
package enum ProgramIdentity {
    /// The version with the SHA-256 of this process's executable, in the form of a version's build: `0.1.0+` and 64 digits.
    ///
    /// The weights of a program's own model depend on its code, so its workers must be the same executable.
    ///
    /// - Throws: `SystemError` if the executable cannot be read.
    package static func versionWithExecutable() throws -> String {
        try programVersion + "+" + digest(ofFile: ChildProcess.Command.thisProgram).hex
    }

    private static func digest(ofFile path: String) throws -> SHA256Digest {
        let file = try FileDescriptor(opening: path, flags: O_RDONLY)
        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return hash.finalize()
    }
}
