import Glibc
import LockstepSystem
import Synchronization
import Testing

/// Counts how often each piece is done, with a little work that takes differently long.
private final class Tally: PiecewiseWork {
    let counts: [Counter]
    let values: [Counter]

    final class Counter: Sendable { let value = Atomic(0) }

    init(pieces: Int) {
        counts = (0..<pieces).map { _ in Counter() }
        values = (0..<pieces).map { _ in Counter() }
    }

    func perform(piece: Int) {
        var sum = 0
        for i in 0..<piece * 37 % 1000 { sum &+= i &* piece }
        values[piece].value.add(sum, ordering: .relaxed)
        counts[piece].value.add(1, ordering: .relaxed)
    }
}

/// Two pieces each of which waits for the other to begin.
private final class Meeting: PiecewiseWork {
    let haveBegun = Atomic(0)
    let haveMet = Atomic(0)

    func perform(piece: Int) {
        haveBegun.add(1, ordering: .relaxed)
        let patience = Deadline.after(.seconds(60))
        while haveBegun.load(ordering: .relaxed) < 2, !patience.hasPassed(at: MonotonicClock.now) { usleep(100) }
        if haveBegun.load(ordering: .relaxed) == 2 { haveMet.add(1, ordering: .relaxed) }
    }
}

struct CrewTests {
    @Test("A helper takes a piece while the caller is busy with another", arguments: 1...3)
    func helps(round: Int) {
        let crew = Crew(helpers: 1)
        // Awake, asleep, and after other work.
        if round == 2 { usleep(20_000) }
        if round == 3 { crew.perform(Tally(pieces: 9), pieces: 9) }
        let meeting = Meeting()
        crew.perform(meeting, pieces: 2)
        crew.end()
        #expect(meeting.haveMet.load(ordering: .relaxed) == 2)
    }

    @Test("Every piece is done exactly once and before the call returns, work after work", arguments: [0, 1, 3])
    func once(helpers: Int) {
        let crew = Crew(helpers: helpers)
        for round in 0..<2_000 {
            let tally = Tally(pieces: round % 67)
            crew.perform(tally, pieces: round % 67)
            let counts = tally.counts.map { $0.value.load(ordering: .relaxed) }
            #expect(counts == Array(repeating: 1, count: round % 67))
            // The sum of i * piece for i below n.
            let sums = (0..<round % 67).map { piece in
                let n = piece * 37 % 1000
                return piece * (n * (n - 1) / 2)
            }
            #expect(tally.values.map { $0.value.load(ordering: .relaxed) } == sums)
        }
        crew.end()
    }

    @Test("Helpers that have gone to sleep are woken, and the work is done without them, too")
    func sleepers() async throws {
        let crew = Crew(helpers: 2)
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(3))
            let tally = Tally(pieces: 16)
            crew.perform(tally, pieces: 16)
            #expect(tally.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
        }
        crew.end()
        let tally = Tally(pieces: 5)
        crew.perform(tally, pieces: 5)
        #expect(tally.counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
    }
}
