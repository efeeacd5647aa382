import Glibc
import LockstepSystem
import Testing

/// The tests run in child processes: a signal concerns a whole process.
@Suite("Stop signals")
struct StopSignalsTests {
    @Test("The first signal is recorded, can be waited for and does not end the process")
    func first() async {
        await #expect(processExitsWith: .success) {
            let stop = try StopSignals.install()
            guard stop.requested == nil else { exit(1) }
            kill(getpid(), SIGTERM)
            var item = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 60_000) == 1 else { exit(2) }
            guard stop.requested == SIGTERM else { exit(3) }
            exit(0)
        }
    }

    @Test("The second signal ends the process at once, after the cleanup")
    func second() async {
        let result = await #expect(
            processExitsWith: .exitCode(128 + SIGINT), observing: [\.standardErrorContent]
        ) {
            let stop = try StopSignals.install()
            stop.setCleanup {
                write(STDERR_FILENO, "clean", 5)
            }
            kill(getpid(), SIGTERM)
            while stop.requested == nil { sched_yield() }
            kill(getpid(), SIGINT)
            while true { sleep(1_000) }
        }
        #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }?.hasSuffix("clean") == true)
    }

    @Test("A signal that the process was told to ignore stays ignored")
    func ignored() async {
        await #expect(processExitsWith: .success) {
            signal(SIGINT, SIG_IGN)
            let stop = try StopSignals.install()
            kill(getpid(), SIGINT)
            kill(getpid(), SIGTERM)
            while stop.requested == nil { sched_yield() }
            exit(stop.requested == SIGTERM ? 0 : 1)
        }
    }

    @Test("A process can install the handlers only once")
    func twice() async {
        await #expect(processExitsWith: .success) {
            _ = try StopSignals.install()
            do {
                _ = try StopSignals.install()
            } catch let error as SystemError {
                exit(error.code == EBUSY ? 0 : 1)
            }
            exit(2)
        }
    }
}
