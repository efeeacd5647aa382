import Glibc
import Synchronization

/// Turns SIGINT and SIGTERM into a flag and a descriptor for poll(2), and counts SIGUSR1 as requests.
///
/// The first signal asks the program to shut down. The second ends it, with status 128 + the signal's number, after the
/// registered cleanup. A third ends the program even during the cleanup.
///
/// Install it before the first thread is started: threads inherit the blocked signals, so their system calls are not
/// interrupted. A thread that is older forwards the signals that it gets.
package final class StopSignals: Sendable {
    /// The first signal; 0: none has arrived.
    private let first = Atomic<Int32>(0)
    private let requests = Atomic<Int>(0)
    private let event: EventDescriptor
    private let cleanup = Locked<(@Sendable () -> Void)?>(nil)

    /// Starts to catch `signals`, except signals that the process has ignored since its start, as with `nohup` or the
    /// `&` of a shell script. Throws EBUSY if the process has installed a handler before.
    package static func install(
        _ signals: [Int32] = [SIGINT, SIGTERM, SIGUSR1]
    ) throws(SystemError) -> StopSignals {
        guard isInstalled.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            throw SystemError("catch signals twice", code: EBUSY)
        }
        return try StopSignals(signals.filter { !isIgnored($0) })
    }

    private init(_ signals: [Int32]) throws(SystemError) {
        event = try EventDescriptor()
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let caught = set
        _ = try Thread(name: "signals") { [self] in
            catcher.store(UInt(pthread_self()), ordering: .releasing)
            run(caught, signals)
        }
        while catcher.load(ordering: .acquiring) == 0 { sched_yield() }
        // A thread that does not block them runs the handler, which forwards the signal to the catcher.
        for signal in signals where !handle(signal, forward) { throw .last("catch a signal") }
    }

    /// The first signal that has arrived; nil: none has. Costs one load from memory.
    package var requested: Int32? {
        let signal = first.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// How often SIGUSR1 has arrived. Costs one load from memory.
    package var requestCount: Int { requests.load(ordering: .relaxed) }

    /// Readable after the first signal that asks the program to shut down.
    package var descriptor: Int32 { event.number }

    /// Sets the function that runs before the second signal ends the process: it kills workers and removes folders. It
    /// runs on its own thread while all others continue.
    package func setCleanup(_ cleanup: (@Sendable () -> Void)?) {
        self.cleanup.withLock { $0 = cleanup }
    }

    private func run(_ set: sigset_t, _ signals: [Int32]) {
        var set = set
        while true {
            var signal: Int32 = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            if signal == SIGUSR1 {
                requests.add(1, ordering: .relaxed)
                continue
            }
            guard first.compareExchange(expected: 0, desired: signal, ordering: .relaxed).exchanged else {
                // Even if the cleanup hangs, the next signal ends the process.
                for signal in signals { _ = handle(signal, nil) }
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                cleanup.withLock { $0 }?()
                _exit(128 + signal)
            }
            event.signal()
        }
    }
}

private let isInstalled = Atomic<Bool>(false)

/// The thread that waits for signals.
private let catcher = Atomic<UInt>(0)

/// A signal handler: it calls only functions that are async-signal-safe.
private func forward(signal: Int32) {
    pthread_kill(pthread_t(catcher.load(ordering: .acquiring)), signal)
}

/// Installs a handler of `signal`. Interrupted system calls are restarted. Nil restores the default action.
private func handle(_ signal: Int32, _ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    action.sa_flags = SA_RESTART
    return sigaction(signal, &action, nil) == 0
}

/// Whether the process ignores a signal: its handler is SIG_IGN, which is the address 1.
private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
}
