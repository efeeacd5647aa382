import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// Decides whether a thread that waits for messages polls for a while (spins) before it sleeps.
///
/// Sleeping is cheap for the machine and expensive for the waiting thread. An answer passes through three threads, and in a
/// virtual machine each of them needs 20 to 50 us to wake on an idle core. Worse, a sleeping worker may be woken on a core
/// where another worker has just begun to compute, and then waits for its end although another core is idle. A spinning
/// thread answers at once and keeps its core, but it wastes the core if the message is late, and it slows down any other
/// thread that could use it.
///
/// So a thread spins only while two conditions hold. First, messages have come soon: `averageWait`, an exponential average
/// of the last waits, is below a millisecond. Second, it has the core to itself. The thread yields the core after every
/// poll and measures how long it is away. The threads that pass messages on give the core back within half a millisecond; a
/// longer preemption means that another thread computes there, and the next 500 waits are slept through.
///
/// A thread with mailboxes looks into them each time, because that costs nothing, and at the sockets every 0.1 ms. A record has the
/// time when it was put. So the thread knows whether it was away while a record waited, which another program has caused, or
/// while the workers on its core computed.
struct AdaptiveSpin {
    /// The most nanoseconds that one wait spins. If waits take longer on average, the thread sleeps instead.
    private static let spinLimit: UInt64 = 1_000_000
    /// A longer wait counts as so many nanoseconds, so that one evaluation or checkpoint has little effect on the
    /// average.
    private static let longestWait: UInt64 = 8_000_000
    /// The weight of the newest wait in the average is one divided by this number.
    private static let averagedWaits: UInt64 = 8
    /// The most nanoseconds for which a thread that passes messages on uses a core. If a yielded core is away for
    /// longer, another thread computes there.
    private static let longestYield: UInt64 = 500_000
    /// The number of waits in which the thread sleeps after such a preemption.
    private static let sleepsAfterPreemption = 500

    /// The exponential average of the last waits, in nanoseconds.
    private(set) var averageWait = longestWait

    /// When a thread with mailboxes looks at the sockets again.
    private var nextLook = Instant(nanoseconds: 0)
    /// Seconds between two such looks.
    private static let lookInterval = 1e-4
    /// When a wait ends as if the sockets were ready, so that its caller checks deadlines and signals.
    private var nextReturn = Instant(nanoseconds: 0)
    /// The most seconds between two such ends of waits.
    private static let returnInterval = 0.005

    /// The number of further waits in which the thread sleeps, because another thread computes on its core.
    private var sleepsLeft = 0

    /// How often a record has woken the thread, and how long these records waited until it ran.
    private(set) var wakeUps = CoreWaits()

    /// Whether the next wait should spin.
    var shouldSpin: Bool { averageWait < Self.spinLimit && sleepsLeft == 0 }

    /// Records how many nanoseconds a wait took.
    mutating func recordWait(_ nanoseconds: UInt64) {
        let wait = min(nanoseconds, Self.longestWait)
        averageWait = (averageWait * (Self.averagedWaits - 1) + wait) / Self.averagedWaits
        sleepsLeft = max(0, sleepsLeft - 1)
    }

    /// Records for how many nanoseconds this thread was without the core that it yielded.
    mutating func recordPreemption(_ nanoseconds: UInt64) {
        if nanoseconds > Self.longestYield { sleepsLeft = Self.sleepsAfterPreemption }
    }

    /// What ended a wait.
    enum Readiness {
        /// There is a record in a mailbox. The sockets were not looked at.
        case mail
        /// The poller has looked at the sockets: its events are current. There may be none, and there may be records.
        case sockets
    }

    /// The mailboxes of a process that waits.
    struct Mail {
        /// When the oldest record was put; nil if there is none.
        let nextTime: () -> Instant?
        /// Says whether this process sleeps.
        let setAsleep: (Bool) -> Void
    }

    /// Waits until there is mail, one of the poller's items is ready or `deadline` has passed.
    ///
    /// - Parameters:
    ///   - poller: The items to wait for.
    ///   - deadline: When to stop waiting; nil: never.
    ///   - maySpin: Whether spinning is allowed at all.
    ///   - mail: The mailboxes; nil: there are none.
    /// - Returns: What ended the wait.
    /// - Throws: `ZeroMQError` if polling fails.
    mutating func wait(
        _ poller: inout Poller, until deadline: Instant?, spinning maySpin: Bool = true, mail: Mail? = nil
    ) throws(ZeroMQError) -> Readiness {
        let start = Instant.now
        var now = start
        defer { recordWait(now.nanoseconds - start.nanoseconds) }
        let end = start.nanoseconds + Self.spinLimit
        var away: UInt64 = 0
        while true {
            // However much mail comes, the sockets have their turn.
            if mail == nil ? maySpin && shouldSpin : now >= nextLook {
                nextLook = now.advanced(bySeconds: Self.lookInterval)
                guard try poller.wait(timeoutMilliseconds: 0) == .timedOut, mail == nil || now < nextReturn else {
                    nextReturn = now.advanced(bySeconds: Self.returnInterval)
                    return .sockets
                }
            }
            if let time = mail?.nextTime() {
                // A record that waited for long while this thread was away: another thread had the core.
                if now.nanoseconds &- time.nanoseconds > Self.longestYield { recordPreemption(away) }
                return .mail
            }
            recordPreemption(away)
            guard maySpin, shouldSpin, now.nanoseconds < end, deadline.map({ now < $0 }) ?? true else { break }
            Thread.yield()
            let yielded = now
            now = .now
            away = now.nanoseconds - yielded.nanoseconds
        }
        mail?.setAsleep(true)
        defer { mail?.setAsleep(false) }
        if mail?.nextTime() != nil { return .mail }
        _ = try poller.wait(timeoutMilliseconds: SocketPolicy.pollTimeout(until: deadline, now: now))
        now = .now
        nextLook = now.advanced(bySeconds: Self.lookInterval)
        nextReturn = now.advanced(bySeconds: Self.returnInterval)
        if let time = mail?.nextTime() { recordWakeUp(afterRecordOf: time, now: now) }
        return .sockets
    }

    /// Another process gives the record's time, so it may be anything.
    private mutating func recordWakeUp(afterRecordOf time: Instant, now: Instant) {
        guard time <= now else { return }
        wakeUps.nanoseconds &+= min(now.nanoseconds - time.nanoseconds, Self.longestWait)
        wakeUps.count += 1
    }
}
