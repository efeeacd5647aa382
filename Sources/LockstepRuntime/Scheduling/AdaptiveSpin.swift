import LockstepCluster
import LockstepSystem
import LockstepTimeline
import ZeroMQ

/// How long a thread that waits for messages goes on looking before it sleeps: only where what it waited for lately came
/// soon, and where nobody else computes on its core.
///
/// An answer takes three threads to pass on, and to wake a core that sleeps costs each of them 20 to 50 us in a virtual
/// machine. Worse, a worker that slept may be woken on the core where another one has just begun to compute, and wait for
/// its end although a core is idle. One that looks on keeps its core, and leaves it to whoever else can use it after every
/// look.
struct AdaptiveSpin {
    /// Nanoseconds that are spent on looking, at most; where waits are usually longer they are slept through.
    private static let limit: UInt64 = 1_000_000
    /// What a long wait counts for, so that one evaluation or checkpoint is soon forgotten.
    private static let longest: UInt64 = 8_000_000
    /// The share of the newest wait in what is usual.
    private static let memory: UInt64 = 8
    /// Nanoseconds for which whoever passes messages on uses a core at most. One that was left and is away for longer is
    /// computing for somebody else.
    private static let passing: UInt64 = 500_000
    /// Waits that are slept through once that has happened.
    private static let pause = 500

    /// What waits usually take, in nanoseconds: an exponential average.
    private(set) var usual = longest

    /// Waits to sleep through, for somebody else computes here.
    private var sleeps = 0

    /// Whether looking on is worth it.
    var isPromising: Bool { usual < Self.limit && sleeps == 0 }

    /// Takes note of a wait that took so many nanoseconds.
    mutating func note(_ nanoseconds: UInt64) {
        usual = (usual * (Self.memory - 1) + min(nanoseconds, Self.longest)) / Self.memory
        sleeps = max(0, sleeps - 1)
    }

    /// Takes note of how many nanoseconds the core was away that was left to others.
    mutating func noteAbsence(_ nanoseconds: UInt64) {
        if nanoseconds > Self.passing { sleeps = Self.pause }
    }

    /// Waits for one of the poller's items until `deadline` (nil: without limit).
    ///
    /// - Parameters:
    ///   - poller: What is waited for.
    ///   - deadline: When to give up.
    ///   - isLooking: Whether looking on is allowed at all.
    /// - Throws: What libzmq has against it.
    mutating func wait(
        _ poller: inout Poller, until deadline: Instant?, looking isLooking: Bool = true
    ) throws(ZeroMQError) {
        let start = Instant.now
        var now = start
        defer { note(now.nanoseconds - start.nanoseconds) }
        let end = start.nanoseconds + Self.limit
        while isLooking, isPromising, now.nanoseconds < end, deadline.map({ now < $0 }) ?? true {
            guard try poller.wait(timeoutMilliseconds: 0) == .timedOut else { return now = .now }
            let left = Instant.now
            Thread.yield()
            now = .now
            noteAbsence(now.nanoseconds - left.nanoseconds)
        }
        _ = try poller.wait(timeoutMilliseconds: Poller.timeout(until: deadline, now: now))
        now = .now
    }
}
