import CProcessor
import Glibc
import Synchronization

/// Work that is divided into tiles. The tiles may be computed at the same time, each by any thread.
package protocol ParallelWork: AnyObject {
    /// Computes one tile. The pool calls it exactly once for each tile number.
    func perform(tile: Int)
}

/// Threads that share work with the calling thread: tiles of some microseconds each. Between two works they sleep.
///
/// The calling thread starts at once and computes every tile that no pool thread has claimed, so a pool thread that
/// gets no core costs only its wake-up.
///
/// The pool's threads keep the pool alive: its owner calls ``shutdown()``.
package final class ThreadPool: @unchecked Sendable {
    /// Polls for a tile before an idle thread sleeps: some microseconds, the time between two chunks of a sum.
    private static let spinLimit = 300
    /// Bits of a tile number in ``ticket``.
    private static let tileBits: UInt64 = 20
    private static let tileMask: UInt64 = 1 << tileBits - 1

    /// From high bits to low: the number of the work, its tile count, and the next unclaimed tile.
    private let ticket = Atomic<UInt64>(0)
    /// Tiles of the current work that pool threads have finished.
    private let done = Atomic(0)
    private let sleeping = Atomic(0)
    private let isShutDown = Atomic(false)
    /// Written before ``ticket`` is, and constant while a tile is computed.
    private var work: (any ParallelWork)?
    private let semaphore: UnsafeMutablePointer<sem_t>
    private var threads: [ThreadBox] = []

    /// A `Thread` in an array.
    private final class ThreadBox {
        private var thread: Thread?
        init(_ thread: consuming Thread) { self.thread = consume thread }
        func join() { thread.take()?.join() }
    }

    /// Starts the threads.
    ///
    /// - Parameter threadCount: Threads besides the calling one. The pool has fewer if the system refuses to start
    ///   more.
    package init(threadCount: Int) {
        semaphore = .allocate(capacity: 1)
        sem_init(semaphore, 0, 0)
        for number in 0..<threadCount {
            guard let thread = try? Thread(name: "pool-\(number)", { [self] in run() }) else { break }
            threads.append(ThreadBox(thread))
        }
    }

    /// Computes the tiles 0..<`tiles`, and returns once all are done. One thread at a time may call this.
    ///
    /// - Parameters:
    ///   - work: Computes a tile.
    ///   - tiles: Fewer than 2^20.
    package func perform(_ work: any ParallelWork, tiles: Int) {
        precondition(tiles < 1 << Self.tileBits)
        guard !threads.isEmpty, tiles > 1 else {
            for tile in 0..<max(0, tiles) { work.perform(tile: tile) }
            return
        }
        self.work = work
        done.store(0, ordering: .relaxed)
        let number = ticket.load(ordering: .relaxed) &>> (2 * Self.tileBits) &+ 1
        ticket.store(
            number &<< (2 * Self.tileBits) | UInt64(tiles) &<< Self.tileBits, ordering: .sequentiallyConsistent)
        wake(tiles - 1)
        var own = 0
        while let tile = claimTile() {
            work.perform(tile: tile)
            own += 1
        }
        var polls = 0
        while done.load(ordering: .acquiring) + own < tiles {
            polls += 1
            // A pool thread that was preempted within a tile may need this core.
            if polls % Self.spinLimit == 0 { sched_yield() } else { lockstep_pause() }
        }
        self.work = nil
    }

    /// Ends the threads and waits for them. Work that is performed later is computed by the calling thread alone.
    package func shutdown() {
        isShutDown.store(true, ordering: .sequentiallyConsistent)
        for _ in threads { sem_post(semaphore) }
        for thread in threads { thread.join() }
        threads = []
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// The next tile of the current work, for this thread alone; nil if none is left.
    private func claimTile() -> Int? {
        var seen = ticket.load(ordering: .sequentiallyConsistent)
        while seen & Self.tileMask < seen &>> Self.tileBits & Self.tileMask {
            let (isClaimed, found) = ticket.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
            if isClaimed { return Int(seen & Self.tileMask) }
            seen = found
        }
        return nil
    }

    /// Wakes up to `limit` sleeping threads.
    private func wake(_ limit: Int) {
        for _ in 0..<limit {
            guard claimSleeper() else { return }
            sem_post(semaphore)
        }
    }

    /// Removes one thread from the count of sleepers. A caller other than this sleeper must then post the semaphore.
    private func claimSleeper() -> Bool {
        var seen = sleeping.load(ordering: .sequentiallyConsistent)
        while seen > 0 {
            let (isClaimed, found) = sleeping.weakCompareExchange(
                expected: seen, desired: seen - 1, ordering: .sequentiallyConsistent)
            if isClaimed { return true }
            seen = found
        }
        return false
    }

    /// The body of a pool thread.
    private func run() {
        while !isShutDown.load(ordering: .relaxed) {
            if performTiles() { continue }
            sleeping.add(1, ordering: .sequentiallyConsistent)
            // Work published before `sleeping` was raised posted nothing: check again. If no sleeper is left to claim,
            // another thread has claimed this one: wait for its post.
            if performTiles(spinLimit: 1), claimSleeper() { continue }
            _ = retryingInterrupts { sem_wait(semaphore) }
        }
    }

    /// Computes tiles until it has polled for a tile `spinLimit` consecutive times without success.
    ///
    /// - Returns: Whether it computed any.
    private func performTiles(spinLimit: Int = ThreadPool.spinLimit) -> Bool {
        var hasPerformed = false
        var idle = 0
        while idle < spinLimit {
            guard let tile = claimTile() else {
                idle += 1
                lockstep_pause()
                continue
            }
            // The caller of `perform` waits for this tile, so `work` is still set.
            work?.perform(tile: tile)
            done.add(1, ordering: .releasing)
            hasPerformed = true
            idle = 0
        }
        return hasPerformed
    }
}
