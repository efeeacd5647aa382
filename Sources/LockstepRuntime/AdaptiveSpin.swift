import LockstepCluster
import LockstepSystem
import ZeroMQ

/// How long a thread that waits for messages goes on looking before it sleeps: only where what it waited for lately came
/// soon.
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

    /// What waits usually take, in nanoseconds: an exponential average.
    private(set) var usual = longest

    /// Whether looking on is worth it.
    var isPromising: Bool { usual < Self.limit }

    /// Takes note of a wait that took so many nanoseconds.
    mutating func note(_ nanoseconds: UInt64) {
        usual = (usual * (Self.memory - 1) + min(nanoseconds, Self.longest)) / Self.memory
    }

    /// Waits for one of the poller's items until `deadline` (nil: without limit).
    ///
    /// - Parameters:
    ///   - poller: What is waited for.
    ///   - deadline: When to give up.
    ///   - isLooking: Whether looking on is allowed at all.
    /// - Throws: What libzmq has against it.
    mutating func wait(
        _ poller: inout Poller, until deadline: Moment?, looking isLooking: Bool = true
    ) throws(ZeroMQError) {
        let start = Moment.now
        var now = start
        defer { note(now.nanoseconds - start.nanoseconds) }
        let end = isLooking && isPromising ? start.nanoseconds + Self.limit : 0
        while now.nanoseconds < end, deadline.map({ now < $0 }) ?? true {
            guard try poller.wait(timeoutMilliseconds: 0) == .timedOut else { return now = .now }
            Thread.yield()
            now = .now
        }
        _ = try poller.wait(timeoutMilliseconds: Poller.timeout(until: deadline, now: now))
        now = .now
    }
}
