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

    @Test("Every signal that would end the process asks it to shut down", arguments: StopSignals.ending)
    func others(signal: Int32) async {
        await #expect(processExitsWith: .success) { [signal = signal as Int32] in
            let stop = try StopSignals.install()
            kill(getpid(), signal)
            while stop.requested == nil { sched_yield() }
            exit(stop.requested == signal ? 0 : 1)
        }
    }

    @Test("A signal that comes twice by itself is no second one", arguments: [SIGHUP, SIGXCPU])
    func repeated(signal: Int32) async {
        await #expect(processExitsWith: .exitCode(128 + SIGTERM)) { [signal = signal as Int32] in
            let stop = try StopSignals.install()
            kill(getpid(), signal)
            while stop.requested == nil { sched_yield() }
            // The catcher takes pending signals with low numbers first, SIGTERM after SIGHUP; SIGXCPU it has taken here.
            kill(getpid(), signal)
            kill(getpid(), signal)
            usleep(10_000)
            kill(getpid(), SIGTERM)
            while true { sleep(1_000) }
        }
    }

    @Test("While there is nothing to save, the first signal ends the process, whatever it does")
    func atOnce() async {
        let result = await #expect(
            processExitsWith: .exitCode(128 + SIGTERM), observing: [\.standardErrorContent]
        ) {
            let stop = try StopSignals.install()
            stop.setCleanup {
                write(STDERR_FILENO, "clean", 5)
            }
            _ = stop.endingAtOnce { 0 }
            stop.endingAtOnce {
                kill(getpid(), SIGTERM)
                while true { sleep(1_000) }
            }
        }
        #expect(result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) }?.hasSuffix("clean") == true)
    }

    @Test("After the first signal nothing begins that it would end at once")
    func beforeAtOnce() async {
        await #expect(processExitsWith: .success) {
            let stop = try StopSignals.install()
            guard stop.endingAtOnce({ 7 }) == 7 else { exit(1) }
            kill(getpid(), SIGTERM)
            while stop.requested == nil { sched_yield() }
            guard stop.endingAtOnce({ 7 }) == nil else { exit(2) }
            exit(0)
        }
    }

    @Test("A loop that has seen the first signal can wait without being woken by it again")
    func acknowledged() async {
        await #expect(processExitsWith: .success) {
            let stop = try StopSignals.install()
            kill(getpid(), SIGTERM)
            var item = pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, 60_000) == 1 else { exit(1) }
            stop.acknowledge()
            guard poll(&item, 1, 0) == 0, stop.requested == SIGTERM else { exit(2) }
            exit(0)
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
