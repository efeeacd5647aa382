import CLinux
import Glibc
import Synchronization

/// Turns SIGINT and SIGTERM into a flag that loops look at and a descriptor that they can wait for, and SIGUSR1 into a
/// number of requests.
///
/// The first signal asks the program to end in good order. The second ends it at once, with status 128 + its number,
/// after the registered cleanup; a third ends even that.
///
/// Install it before the first thread: threads inherit that these signals are blocked, so that no system call of
/// theirs is interrupted. Older threads pass on what they get.
package final class StopSignals: Sendable {
    /// 0: none yet.
    private let first = Atomic<Int32>(0)
    private let requests = Atomic<Int>(0)
    private let event: FileDescriptor
    private let cleanup = Locked<(@Sendable () -> Void)?>(nil)

    /// Starts to catch `signals`, except those that the process was told to ignore, as `nohup` and shell scripts' `&`
    /// do; SIGUSR1 is a request that ends nothing. Throws EBUSY when the process has one already.
    package static func install(
        _ signals: [Int32] = [SIGINT, SIGTERM, SIGUSR1]
    ) throws(SystemError) -> StopSignals {
        guard isInstalled.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
            throw SystemError("catch signals twice", code: EBUSY)
        }
        return try StopSignals(signals.filter { !isIgnored($0) })
    }

    private init(_ signals: [Int32]) throws(SystemError) {
        event = try FileDescriptor(linux_eventfd(O_CLOEXEC | O_NONBLOCK), "make an event descriptor")
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
        // A thread that does not block them runs the handler and hands the signal to that one.
        for signal in signals where !handle(signal, passOn) { throw .last("catch a signal") }
    }

    /// The first signal that arrived, or nil while none has. Costs a load from memory.
    package var requested: Int32? {
        let signal = first.load(ordering: .relaxed)
        return signal == 0 ? nil : signal
    }

    /// How often SIGUSR1 has arrived. Costs a load from memory.
    package var requestCount: Int { requests.load(ordering: .relaxed) }

    /// Readable from the first signal on that asks the process to stop.
    package var descriptor: Int32 { event.number }

    /// What to do before the second signal ends the process: kill workers, remove directories. It runs on a thread of
    /// its own while everything else goes on.
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
                // Whatever happens to the cleanup, the next signal ends the process.
                for signal in signals { _ = handle(signal, nil) }
                pthread_sigmask(SIG_UNBLOCK, &set, nil)
                cleanup.withLock { $0 }?()
                _exit(128 + signal)
            }
            var one: UInt64 = 1
            _ = write(event.number, &one, MemoryLayout<UInt64>.size)
        }
    }
}

private let isInstalled = Atomic<Bool>(false)

/// The thread that waits for signals.
private let catcher = Atomic<UInt>(0)

/// A signal handler: only what is allowed in one.
private func passOn(signal: Int32) {
    pthread_kill(pthread_t(catcher.load(ordering: .acquiring)), signal)
}

/// Calls `handler` on `signal`, restarting interrupted system calls; nil gives it its default effect again.
private func handle(_ signal: Int32, _ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    action.sa_flags = SA_RESTART
    return sigaction(signal, &action, nil) == 0
}

/// Whether the process ignores a signal: its handler is SIG_IGN, the address 1.
private func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
}
