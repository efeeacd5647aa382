import CLinux
import Glibc
import Synchronization

/// Turns the signals that end a program into a flag and a descriptor for poll(2), and counts SIGUSR1 as requests.
///
/// The first signal asks the program to shut down. The second ends it, with status 128 + the signal's number, after the
/// registered cleanup. A third ends the program even during the cleanup. Inside ``endingAtOnce(_:)``, where there is
/// nothing to save, the first signal ends it.
///
/// Install it before the first thread is started: threads inherit the blocked signals, so their system calls are not
/// interrupted. A thread that is older forwards the signals that it gets.
package final class StopSignals: Sendable {
    /// The first signal; 0: none has arrived.
    private let first = Atomic<Int32>(0)
    private let requests = Atomic<Int>(0)
    private let endsAtOnce = Atomic<Bool>(false)
    /// Whether SIGUSR1 asks the program to shut down, instead of counting as a request.
    private let shutsDownOnRequest: Bool
    private let event: EventDescriptor
    private let cleanup = Locked<(@Sendable () -> Void)?>(nil)

    /// Every signal whose default action ends a process, besides those of crashes, SIGQUIT, SIGKILL and SIGUSR1.
    package static let ending = [
        SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGPOLL, SIGPWR, SIGSTKFLT,
    ]

    /// Signals that may arrive twice for one cause: the shell and the kernel both send SIGHUP for a closed terminal, and
    /// the kernel sends SIGXCPU every second.
    private static let repeated = [SIGHUP, SIGXCPU]

    /// Catches `signals`. Skips signals that the process ignores since its start (`nohup` and the `&` of a shell script set
    /// that) and signals that a library already catches. Throws EBUSY if the process has installed
    /// one before. With `shutsDownOnRequest`, SIGUSR1 is one of the signals that ask the program to shut down.
    package static func install(
        _ signals: [Int32] = ending + [SIGUSR1], shutsDownOnRequest: Bool = false
    ) throws(SystemError) -> StopSignals {
        guard isInstalled.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            throw SystemError("catch signals twice", code: EBUSY)
        }
        return try StopSignals(signals.filter { hasDefaultAction($0) }, shutsDownOnRequest)
    }

    /// Makes one for a run of a program that handles its signals itself: it catches none, and ``request()`` is the signal.
    package static func byRequest() throws(SystemError) -> StopSignals { try StopSignals() }

    private init() throws(SystemError) {
        shutsDownOnRequest = false
        event = try EventDescriptor()
    }

    /// Asks for the shutdown, as the first signal does. Any thread may call it, and more than once.
    package func request() {
        let isFirst = first.compareExchange(expected: 0, desired: SIGTERM, ordering: .sequentiallyConsistent).exchanged
        if isFirst { event.signal() }
    }

    /// Counts as one SIGUSR1.
    package func requestSave() { requests.add(1, ordering: .relaxed) }

    private init(_ signals: [Int32], _ shutsDownOnRequest: Bool) throws(SystemError) {
        self.shutsDownOnRequest = shutsDownOnRequest
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

    /// Readable after the first signal that asks the program to shut down, until ``acknowledge()``.
    package var descriptor: Int32 { event.number }

    /// Makes the descriptor unreadable: a loop that has seen the first signal and still waits for something does not
    /// spin.
    package func acknowledge() { event.reset() }

    /// Sets the function that runs before the second signal ends the process: it kills workers and removes folders. It
    /// runs on its own thread while all others continue.
    package func setCleanup(_ cleanup: (@Sendable () -> Void)?) {
        self.cleanup.withLock { $0 = cleanup }
    }

    /// Runs `body`. Until it returns, the first signal ends the process after the cleanup, even if `body` hangs.
    ///
    /// - Returns: What `body` returns; nil, without a call of `body`, if a signal has arrived before.
    package func endingAtOnce<Result>(_ body: () throws -> Result) rethrows -> Result? {
        endsAtOnce.store(true, ordering: .sequentiallyConsistent)
        defer { endsAtOnce.store(false, ordering: .sequentiallyConsistent) }
        guard first.load(ordering: .sequentiallyConsistent) == 0 else { return nil }
        return try body()
    }

    private func run(_ set: sigset_t, _ signals: [Int32]) {
        var set = set
        while true {
            var signal: Int32 = 0
            guard sigwait(&set, &signal) == 0 else { continue }
            if signal == SIGUSR1, !shutsDownOnRequest {
                requests.add(1, ordering: .relaxed)
                continue
            }
            let isFirst = first.compareExchange(expected: 0, desired: signal, ordering: .sequentiallyConsistent)
                .exchanged
            if isFirst { event.signal() } else if Self.repeated.contains(signal) { continue }
            if isFirst, !endsAtOnce.load(ordering: .sequentiallyConsistent) { continue }
            // Even if the cleanup hangs, the next signal ends the process.
            for signal in signals { _ = handle(signal, nil) }
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
            cleanup.withLock { $0 }?()
            _exit(128 + signal)
        }
    }
}

/// Ignores SIGPIPE and SIGXFSZ, whose causes write(2) reports as errors too: an output without a reader, and a file that
/// has reached its limit (`ulimit -f`), are no reasons to end a process.
package func ignoreWriteSignals() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
}

/// The name of a signal: `SIGTERM`.
package func signalName(_ signal: Int32) -> String {
    linux_signal_abbreviation(signal).map { "SIG" + String(cString: $0) } ?? "signal \(signal)"
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

/// Whether a signal is neither ignored nor caught: its handler is SIG_DFL, which is the address 0.
private func hasDefaultAction(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return true }
    return action.__sigaction_handler.sa_handler == nil
}
