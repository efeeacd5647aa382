import LockstepTesting
import Testing

/// System calls on files that fail, that are cut short, or after which a process is killed: scripts/support/check-calls.py with
/// the library of Tests/Faults. `scripts/check-deep calls` disturbs every call.
@Suite(
    "System calls", .serialized, .oneAtATime,
    .enabled(if: Foreign.python != nil, "LOCKSTEP_ORACLE_PYTHON is set by scripts/test"))
struct SystemCallTests {
    @Test("After a failed call or a crash the words are right, and a resumed run ends with the undisturbed weights")
    func sample() throws {
        let python = try #require(Foreign.python)
        // A signal that interrupts the lock of the run directory; a full disk; a crash that undoes renames; and random ones.
        let cases = [
            "fresh/open:EINTR:2", "fresh/lock:EINTR:1", "fresh/write:ENOSPC+:9", "fresh/any:torn:20",
            "resume/any:lost:15", "keys/any:lost:4", "fresh/4@1", "resume/4@2",
        ]
        let script = "\(Program.root)/scripts/support/check-calls.py"
        let result = try Program.run([script, try Program.path] + cases, executable: python)
        #expect(result.status == 0, "\(result)")
    }
}
