import Glibc
import LockstepSystem
import LockstepTimeline

/// A worker process of a run under chaos, and what is being done to it.
struct ChaosWorker {
    enum Condition {
        case healthy
        /// Killed; another process starts then.
        case dead(until: Instant)
        case stopped(until: Instant)
        /// Runs for a tenth of the time.
        case slowed(until: Instant, turn: Instant, isRunning: Bool)
        /// Its lane holds everything; at the end the connection may be cut.
        case apart(until: Instant, isCut: Bool)
        /// It is not wanted any more.
        case gone
    }

    /// What came of waiting.
    enum Change {
        /// The process is to be started again.
        case restart
        /// The lane passes again, after a cut.
        case heal(isCut: Bool)
    }

    let number: Int
    /// Whether it joined late; then it is not replaced.
    let isExtra: Bool
    var process: ChildProcess
    var condition = Condition.healthy

    private static let running = Duration.milliseconds(5)
    private static let standing = Duration.milliseconds(45)

    var isHealthy: Bool {
        if case .healthy = condition { return true }
        return false
    }

    mutating func stop(for duration: Duration, now: Instant) {
        process.send(signal: SIGSTOP)
        condition = .stopped(until: now.advanced(by: duration))
    }

    mutating func slow(for duration: Duration, now: Instant) {
        condition = .slowed(until: now.advanced(by: duration), turn: now, isRunning: true)
    }

    mutating func kill(replacedAfter duration: Duration, now: Instant) {
        process.send(signal: SIGKILL)
        _ = process.wait(until: .never)
        condition = isExtra ? .gone : .dead(until: now.advanced(by: duration))
    }

    /// Ends what has lasted long enough.
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
        case .slowed(let until, let turn, let isRunning):
            if until <= now {
                process.send(signal: SIGCONT)
                condition = .healthy
            } else if turn <= now {
                process.send(signal: isRunning ? SIGSTOP : SIGCONT)
                let next = now.advanced(by: isRunning ? Self.standing : Self.running)
                condition = .slowed(until: until, turn: next, isRunning: !isRunning)
            }
            return nil
        case .apart(let until, let isCut):
            guard until <= now else { return nil }
            condition = .healthy
            return .heal(isCut: isCut)
        }
    }

    /// Ends the process, whatever state it is in.
    func end() {
        process.send(signal: SIGCONT)
        process.terminate(grace: .seconds(2))
    }
}
