import Foundation
import Glibc
import LockstepTesting
import Testing

/// A file system with a few hundred pages.
final class SmallDisk {
    private let path: String

    init(_ path: String, bytes: Int) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try #require(mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0)
    }

    deinit {
        umount2(path, Int32(MNT_DETACH))
    }

    /// Fills all free pages.
    func fill() throws {
        let file = open("\(path)/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4096)
        while write(file, page, page.count) > 0 {}
    }

    func clear() {
        unlink("\(path)/filler")
    }
}

/// Whether this process may mount file systems.
func canMount() -> Bool {
    guard let folder = try? TemporaryFolder(), mount("tmpfs", folder.path, "tmpfs", 0, "size=4096") == 0 else {
        return false
    }
    return umount(folder.path) == 0
}
