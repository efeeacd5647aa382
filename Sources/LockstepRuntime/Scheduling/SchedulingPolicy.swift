import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// Chooses how Linux schedules the threads of a worker process: as batch threads, if possible on a core of its own, or as
/// ordinary threads.
///
/// Suppose that a coordinator and its workers share a few cores, and the coordinator sends every worker its next task. By
/// default the first worker preempts the sending thread when it wakes, and computes for a time slice before the second
/// worker has got its task. A batch-scheduled thread (SCHED_BATCH) preempts no running thread when it wakes, so all tasks
/// go out first. If there are as many workers as cores, each also keeps to a core of its own (pinning): otherwise the
/// kernel now and then wakes a worker on a core where another one has just begun, and moves it milliseconds later.
///
/// Beside a program that never sleeps, such as another computation, this is harmful: a thread that does not preempt
/// waits a whole time slice for every message. So the process measures how long the threads that pass messages on wait
/// for a core once they are ready to run, and how long a record in a mailbox waits for a thread that slept. After two consecutive measurements with long waits it returns to ordinary
/// scheduling, and tries batch scheduling again 16 seconds later.
package struct SchedulingPolicy {
    /// The least nanoseconds between two checks.
    static let period: UInt64 = 250_000_000
    /// The fewest waits for a core that a verdict is based on, so that one long wait does not decide.
    static let minimumCount: UInt64 = 20
    /// The mean wait that is too long, in nanoseconds. With shared memory an undisturbed wait takes 5 to 60 us, and one
    /// beside a program that never sleeps most of a millisecond.
    static let longWait: UInt64 = 400_000
    /// The number of consecutive verdicts that must find long waits.
    static let verdictsRequired = 2
    /// Nanoseconds of ordinary scheduling before batch scheduling is tried again.
    static let retryInterval: UInt64 = 16_000_000_000

    private let apply: (Bool) -> Void
    private let waits: () -> CoreWaits
    /// The waits up to the last verdict.
    private var previous: CoreWaits
    private var nextCheck: Instant
    /// The number of consecutive verdicts that have found long waits.
    private var longVerdicts = 0
    private(set) var isBatch = true

    /// Makes this process batch-scheduled, as far as the system allows it.
    ///
    /// Returns nil if the user has chosen another scheduling policy for the process, or if the system cannot measure
    /// waits.
    ///
    /// - Parameters:
    ///   - core: The index of the process's own core among the cores on which it may run; nil: it has no core of its
    ///     own.
    ///   - now: The current time.
    init?(core: Int?, now: Instant) {
        guard Thread.hasDefaultScheduling else { return nil }
        let allCores = CoreSet.current
        let ownCore = core.flatMap { allCores.core($0) }
        let meter = CoreWaitMeter()
        self.init(
            now: now, waits: { meter.waits },
            apply: { isBatch in
                if let ownCore { ProcessThreads.bind(to: isBatch ? ownCore : allCores) }
                ProcessThreads.setBatchScheduling(isBatch)
            })
    }

    /// Makes a process batch-scheduled. Returns nil if the system does not measure how long threads wait for a core.
    ///
    /// - Parameters:
    ///   - now: The current time.
    ///   - waits: Measures how often and how long the threads that pass messages on have waited for a core so far.
    ///   - apply: Makes the process batch-scheduled (true) or ordinary (false).
    init?(now: Instant, waits: @escaping () -> CoreWaits, apply: @escaping (Bool) -> Void) {
        self.apply = apply
        self.waits = waits
        self.previous = waits()
        self.nextCheck = Instant(nanoseconds: now.nanoseconds + Self.period)
        guard previous.count > 0 else { return nil }
        apply(true)
    }

    /// The command-line arguments that give a worker process a core of its own.
    ///
    /// - Parameters:
    ///   - place: The worker's number among the worker processes of this host.
    ///   - count: The number of these processes.
    ///   - cores: The number of their cores.
    /// - Returns: Nothing unless there are as many workers as cores, and more than one.
    package static func arguments(place: Int, of count: Int, cores: Int = Host.allowedCoreCount) -> [String] {
        count > 1 && count == cores ? ["--core", "\(place)"] : []
    }

    /// Checks whether the policy still fits, and changes it if not. Returns at once if the next check is not due yet.
    ///
    /// - Parameters:
    ///   - now: The current time.
    ///   - wakeUps: How often a record has woken the thread so far, and how long these records have waited for it.
    mutating func check(now: Instant, wakeUps: CoreWaits = CoreWaits()) {
        guard now >= nextCheck else { return }
        nextCheck = Instant(nanoseconds: now.nanoseconds + Self.period)
        guard isBatch else { return change(toBatch: true, wakeUps) }
        let all = waits() + wakeUps
        // The sums shrink when a thread ends, because they no longer include its waits.
        guard all.count >= previous.count, all.nanoseconds >= previous.nanoseconds else {
            previous = all
            return
        }
        let count = all.count - previous.count
        guard count >= Self.minimumCount else { return }
        let isLong = all.nanoseconds - previous.nanoseconds > Self.longWait * count
        previous = all
        longVerdicts = isLong ? longVerdicts + 1 : 0
        guard longVerdicts >= Self.verdictsRequired else { return }
        change(toBatch: false, wakeUps)
        nextCheck = Instant(nanoseconds: now.nanoseconds + Self.retryInterval)
    }

    private mutating func change(toBatch isBatch: Bool, _ wakeUps: CoreWaits) {
        self.isBatch = isBatch
        apply(isBatch)
        previous = waits() + wakeUps
        longVerdicts = 0
    }
}
