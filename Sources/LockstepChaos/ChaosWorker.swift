import Glibc
import LockstepSystem
import LockstepTimeline

/// A worker process of a run under chaos, and the fault that it is under.
struct ChaosWorker {
    enum Condition {
        case healthy
        /// Killed; another process starts at that time.
        case dead(until: Instant)
        case stopped(until: Instant)
        /// Runs for a tenth of the time.
        case slowed(until: Instant, nextSwitch: Instant, isRunning: Bool)
        /// Its lane of the relay passes nothing; at the end the connection may be cut.
        case partitioned(until: Instant, isCut: Bool)
        /// Ended, and not started again.
        case gone
    }

    /// What is to be done now that a fault is over.
    enum Change: Hashable {
        /// Start the process again.
        case restart
        /// Let the lane pass again, after cutting its connections if `isCut`.
        case heal(isCut: Bool)
    }

    let number: Int
    /// Whether it joined during the run; then it is not replaced.
    let isExtra: Bool
    var process: ChildProcess
    var condition = Condition.healthy

    /// How long a slowed process runs, and how long it stands still, in turn.
    private static let runTime = Duration.milliseconds(5)
    private static let stopTime = Duration.milliseconds(45)

    var isHealthy: Bool {
        if case .healthy = condition { return true }
        return false
    }

    mutating func stop(for duration: Duration, now: Instant) {
        process.send(signal: SIGSTOP)
        condition = .stopped(until: now.advanced(by: duration))
    }

    mutating func slow(for duration: Duration, now: Instant) {
        condition = .slowed(until: now.advanced(by: duration), nextSwitch: now, isRunning: true)
    }

    mutating func kill(replacedAfter duration: Duration, now: Instant) {
        process.send(signal: SIGKILL)
        _ = process.wait(until: .never)
        condition = isExtra ? .gone : .dead(until: now.advanced(by: duration))
    }

    /// Ends a fault whose time is over.
    mutating func advance(to now: Instant) -> Change? {
        switch condition {
        case .healthy, .gone:
            return nil
        case .dead(let until):
            return until <= now ? .restart : nil
        case .stopped(let until):
            guard until <= now else { return nil }
            process.send(signal: SIGCONT)
            condition = .healthy
            return nil
        case .slowed(let until, let nextSwitch, let isRunning):
            if until <= now {
                process.send(signal: SIGCONT)
                condition = .healthy
            } else if nextSwitch <= now {
                process.send(signal: isRunning ? SIGSTOP : SIGCONT)
                let next = now.advanced(by: isRunning ? Self.stopTime : Self.runTime)
                condition = .slowed(until: until, nextSwitch: next, isRunning: !isRunning)
            }
            return nil
        case .partitioned(let until, let isCut):
            guard until <= now else { return nil }
            condition = .healthy
            return .heal(isCut: isCut)
        }
    }

    /// Ends the process in any state.
    func end() {
        process.send(signal: SIGCONT)
        process.terminate(grace: .seconds(2))
    }
}
