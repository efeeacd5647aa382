import Glibc
import LockstepArtifacts
import LockstepCluster
import LockstepData
import LockstepLaunch
import LockstepRuntime
import LockstepSystem
import Testing

@testable import LockstepCLI
@testable import LockstepRuns

@Suite("Exit statuses")
struct ExitStatusTests {
    @Test(
        "Each kind of a command's error has its number",
        arguments: [
            (CommandError.Kind.usage, 64), (.invalidData, 65), (.missingInput, 66), (.unavailable, 69),
            (.failedCheck, 70),
        ] as [(CommandError.Kind, Int32)])
    func commands(kind: CommandError.Kind, code: Int32) {
        #expect(ExitStatus(of: CommandError(kind, "no"))?.code == code)
    }

    @Test(
        "Each kind of a failed resumption has its number",
        arguments: [
            (ResumeError.Kind.tooFewEpochs, 64), (.unusableCheckpoint, 65), (.missingRun, 66), (.differentBits, 69),
            (.changedConfiguration, 78),
        ] as [(ResumeError.Kind, Int32)])
    func resuming(kind: ResumeError.Kind, code: Int32) {
        #expect(ExitStatus(of: ResumeError(kind, "no"))?.code == code)
        #expect("\(ResumeError(kind, "no"))" == "--resume: no")
    }

    @Test("Errors of other modules have theirs")
    func others() {
        #expect(ExitStatus(of: SystemError("open", code: 2, path: "x"))?.code == 71)
        #expect(ExitStatus(of: RunError.noWorkersLeft(ending: "with signal 9", log: "x"))?.code == 69)
        #expect(ExitStatus(of: RunError.workersToldToStop)?.code == 75)
        #expect(ExitStatus(of: TimeLimitNear())?.code == 75)
        #expect(ExitStatus(of: ClusterFailure.noWorkersLeft(seconds: 1))?.code == 75)
        #expect(ExitStatus(of: ClusterFailure.tooFewWorkers(joined: 1, needed: 2, seconds: 1))?.code == 69)
        #expect(ExitStatus(of: DataError(.unknownDataset(known: []), subject: "x"))?.code == 66)
        #expect(ExitStatus(of: DataError(.outOfMemory(byteCount: 1), subject: "x"))?.code == 71)
    }

    @Test("A signal's status is 128 and its number, and nothing is printed")
    func signals() {
        let status = ExitStatus(of: RunError.interrupted(signal: 15))
        #expect(status?.code == 143 && status?.isPrinted == false)
        #expect(ExitStatus(of: CommandError(.usage, "no"))?.isPrinted == true)
    }

    @Test("An output that cannot be written is an error of the file system; one without a reader is none to print")
    func outputs() {
        #expect(ExitStatus(of: OutputError(code: ENOSPC))?.code == 74)
        #expect(ExitStatus(of: OutputError(code: EBADF))?.code == 74)
        let unread = ExitStatus(of: OutputError(code: EPIPE))
        #expect(unread?.code == 141 && unread?.isPrinted == false)
    }

    @Test("An error of another library has none")
    func unknown() {
        struct Unknown: Error {}
        #expect(ExitStatus(of: Unknown()) == nil)
    }
}
