import LockstepCluster
import LockstepSystem
import LockstepTimeline

/// How the threads of a worker process get along with others that need the same cores.
///
/// A courteous process lets whoever hands tasks out go first: its threads take no core from another one when they wake.
/// Else a worker that is told its task would take the core of the thread that has the next worker's, and compute for a
/// time slice before that one is told. One of as many as there are cores also keeps to a core of its own: the system
/// would now and then wake it where another worker has just begun, and move it milliseconds later.
///
/// Among programs that never sleep courtesy means to wait a time slice for every message. So the waiting is measured, of
/// the threads that pass messages on; where it is long, the process is for a while like any other.
package struct Courtesy {
    /// Nanoseconds between two looks, at least.
    static let period: UInt64 = 250_000_000
    /// How often threads must have got a core since the last verdict for a new one, so that one wait does not decide.
    static let leastCount: UInt64 = 20
    /// The mean wait that is too long, in nanoseconds. Where payload is shared it is 5 to 60 us undisturbed, and most of a
    /// millisecond beside a program that never sleeps.
    static let longWait: UInt64 = 400_000
    /// So many verdicts in a row must have found one.
    static let patience = 2
    /// Nanoseconds until courtesy is tried again.
    static let absence: UInt64 = 16_000_000_000

    private let apply: (Bool) -> Void
    private let waits: () -> CoreWaits
    private var seen: CoreWaits
    private var nextLook: Instant
    private var longWaits = 0
    private(set) var isCourteous = true

    /// Makes this process courteous, as far as the system lets it; nil where its scheduling was chosen by somebody.
    ///
    /// - Parameters:
    ///   - core: Which of the cores that it may run on is its own, counted from 0; nil: none.
    ///   - now: The current time.
    init?(core: Int?, now: Instant) {
        guard Thread.hasDefaultScheduling else { return nil }
        let anywhere = CoreSet.current
        let home = core.flatMap { anywhere.core($0) }
        let meter = CoreWaitMeter()
        self.init(now: now, waits: { meter.waits }) { isCourteous in
            if let home { ProcessThreads.bind(to: isCourteous ? home : anywhere) }
            ProcessThreads.setBatchScheduling(isCourteous)
        }
    }

    /// Makes a process courteous; nil where it cannot be told how long its threads wait.
    ///
    /// - Parameters:
    ///   - now: The current time.
    ///   - waits: What the threads that pass messages on have waited so far.
    ///   - apply: Makes the process courteous, or like any other.
    init?(now: Instant, waits: @escaping () -> CoreWaits, apply: @escaping (Bool) -> Void) {
        self.apply = apply
        self.waits = waits
        self.seen = waits()
        self.nextLook = Instant(nanoseconds: now.nanoseconds + Self.period)
        guard seen.count > 0 else { return nil }
        apply(true)
    }

    /// What a worker process is told on its command line of the core that it gets.
    ///
    /// - Parameters:
    ///   - place: Its number among the worker processes of this host.
    ///   - count: How many there are.
    ///   - cores: How many cores they have.
    /// - Returns: Nothing where there are more cores or fewer.
    package static func arguments(place: Int, of count: Int, cores: Int = Host.coreCount) -> [String] {
        count > 1 && count == cores ? ["--core", "\(place)"] : []
    }

    /// Looks whether the process may stay as it is; most calls come before it is time to.
    mutating func look(now: Instant) {
        guard now >= nextLook else { return }
        nextLook = Instant(nanoseconds: now.nanoseconds + Self.period)
        guard isCourteous else { return change(to: true) }
        let all = waits()
        // A thread that has ended takes its waits along.
        guard all.count >= seen.count, all.nanoseconds >= seen.nanoseconds else { return seen = all }
        let count = all.count - seen.count
        guard count >= Self.leastCount else { return }
        let isLong = all.nanoseconds - seen.nanoseconds > Self.longWait * count
        seen = all
        longWaits = isLong ? longWaits + 1 : 0
        guard longWaits >= Self.patience else { return }
        change(to: false)
        nextLook = Instant(nanoseconds: now.nanoseconds + Self.absence)
    }

    private mutating func change(to isCourteous: Bool) {
        self.isCourteous = isCourteous
        apply(isCourteous)
        seen = waits()
        longWaits = 0
    }
}
