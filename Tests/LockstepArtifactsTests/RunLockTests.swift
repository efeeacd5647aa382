import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

struct RunLockTests {
    @Test("One process at a time can use a run directory, and the refusal names it")
    func exclusive() throws {
        let folder = try TemporaryFolder()
        let directory = RunDirectory(existing: folder.path)
        do {
            let lock = try RunLock(directory)
            #expect(
                message { _ = try RunLock(directory) }
                    == "\(folder.path): in use by process \(getpid()); wait until it ends, or stop it")
            _ = consume lock
        }
        #expect(message { _ = try RunLock(directory) } == "")
        #expect(
            message { _ = try RunLock(RunDirectory(existing: folder("gone"))) }
                == "\(folder("gone"))/.lock: cannot write: No such file or directory; check the path")
    }
}
