import Foundation
import Glibc
import LockstepSystem
import LockstepTesting
import Testing

@Suite("Socket folder")
struct SocketFolderTests {
    @Test("The folder is private, its path is short enough for sockets, and its owner removes it")
    func life() throws {
        let folder = try TemporaryFolder()
        let directory = try SocketFolder.make(in: [folder.path])
        let path = directory.path
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        #expect(path.utf8.count + 1 + SocketFolder.longestName <= 107)
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(path)/socket"))
        directory.remove()
        #expect(try folder.names().isEmpty)
    }

    @Test("The folder is made in the first possible parent; if there is none, the error names the last")
    func parents() throws {
        let folder = try TemporaryFolder()
        let directory = try SocketFolder.make(in: ["relative", folder("none"), folder.path])
        #expect(directory.path.hasPrefix(folder.path + "/"))
        let error = #expect(throws: SystemError.self) {
            _ = try SocketFolder.make(in: [folder("none")])
        }
        #expect(error?.path?.hasPrefix(folder("none")) == true)
        #expect(throws: SystemError.self) {
            _ = try SocketFolder.make(in: ["/tmp/" + String(repeating: "long", count: 30)])
        }
    }

    @Test("Folders of dead processes are removed; those in use and other files stay")
    func stale() throws {
        let folder = try TemporaryFolder()
        let living = try SocketFolder.make(in: [folder.path])
        try folder.write(text: "", to: "lockstep-123-abcdef/lock")
        try folder.write(text: "", to: "lockstep-123-abcdef/socket")
        try FileManager.default.createDirectory(atPath: folder("lockstep-9-ghijkl"), withIntermediateDirectories: false)
        try folder.write(text: "thesis", to: "lockstep-results/thesis.txt")
        try folder.write(text: "thesis", to: "lockstep-5-thesis/thesis.txt")
        let second = try SocketFolder.make(in: [folder.path])
        let left = Set(try folder.names())
        let own = [living.path, second.path].map { String($0.dropFirst(folder.path.count + 1)) }
        #expect(left == Set(own + ["lockstep-results", "lockstep-5-thesis"]))
        #expect(try text(of: folder("lockstep-5-thesis/thesis.txt")) == "thesis")
    }
}
