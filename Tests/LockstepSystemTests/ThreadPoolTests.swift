import Glibc
import LockstepSystem
import LockstepTimeline
import Synchronization
import Testing

/// Counts how often each tile is computed. The tiles take different times.
private final class Tally: ParallelWork {
    let counts: [Counter]
    let values: [Counter]

    final class Counter: Sendable { let value = Atomic(0) }

    init(tiles: Int) {
        counts = (0..<tiles).map { _ in Counter() }
        values = (0..<tiles).map { _ in Counter() }
    }

    func perform(tile: Int) {
        var sum = 0
        for i in 0..<tile * 37 % 1000 { sum &+= i &* tile }
        values[tile].value.add(sum, ordering: .relaxed)
        counts[tile].value.add(1, ordering: .relaxed)
    }
}

/// Two tiles, each of which waits for the other to begin.
private final class Rendezvous: ParallelWork {
    let begun = Atomic(0)
    let met = Atomic(0)

    func perform(tile: Int) {
        begun.add(1, ordering: .relaxed)
        let deadline = Deadline.after(.seconds(60))
        while begun.load(ordering: .relaxed) < 2, !deadline.hasPassed(at: Instant.now) { usleep(100) }
        if begun.load(ordering: .relaxed) == 2 { met.add(1, ordering: .relaxed) }
    }
}

struct ThreadPoolTests {
    @Test("A pool thread computes a tile while the caller computes another", arguments: 1...3)
    func sharing(round: Int) {
        let pool = ThreadPool(threadCount: 1)
        // The pool thread is awake, asleep, or has just finished other work.
        if round == 2 { usleep(20_000) }
        if round == 3 { pool.perform(Tally(tiles: 9), tiles: 9) }
        let rendezvous = Rendezvous()
        pool.perform(rendezvous, tiles: 2)
        pool.shutdown()
        #expect(rendezvous.met.load(ordering: .relaxed) == 2)
    }

    @Test("Every tile is computed exactly once and before the call returns, work after work", arguments: [0, 1, 3])
    func once(threadCount: Int) {
        let pool = ThreadPool(threadCount: threadCount)
        for round in 0..<2_000 {
            let tally = Tally(tiles: round % 67)
            pool.perform(tally, tiles: round % 67)
            let counts = tally.counts.map { $0.value.load(ordering: .relaxed) }
            #expect(counts == Array(repeating: 1, count: round % 67))
            // The sum of i * tile for i below n.
            let sums = (0..<round % 67).map { tile in
                let n = tile * 37 % 1000
                return tile * (n * (n - 1) / 2)
            }
            #expect(tally.values.map { $0.value.load(ordering: .relaxed) } == sums)
        }
        pool.shutdown()
    }

    @Test("Sleeping threads are woken, and after the shutdown the caller computes every tile")
    func sleepers() async throws {
        let pool = ThreadPool(threadCount: 2)
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(3))
            let tally = Tally(tiles: 16)
            pool.perform(tally, tiles: 16)
            #expect(tally.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
        pool.shutdown()
        let tally = Tally(tiles: 5)
        pool.perform(tally, tiles: 5)
        #expect(tally.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
    }
}
