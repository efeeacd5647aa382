import CProcessor
import Glibc
import Synchronization

/// Work in pieces that may be done at the same time, each by any thread.
package protocol PiecewiseWork: AnyObject {
    /// Does the piece of this number; called once for each.
    func perform(piece: Int)
}

/// Threads that help another one with pieces of work of some microseconds each, and sleep otherwise.
///
/// Whoever makes a crew sends it home with ``end()``: its threads keep it alive.
///
/// The thread that has the work begins at once and takes the pieces that no helper has taken; so helpers that the system
/// gives no core cost nothing but their wake-up.
package final class Crew: @unchecked Sendable {
    /// How often a helper without work looks for more before it sleeps: some microseconds, between two chunks of a sum.
    private static let patience = 300
    /// Bits of a number of pieces in ``ticket``.
    private static let pieceBits: UInt64 = 20
    private static let pieceMask: UInt64 = 1 << pieceBits - 1

    /// The work's number, how many pieces it has, and the next that nobody has taken; from high bits to low.
    private let ticket = Atomic<UInt64>(0)
    /// Pieces that helpers have done.
    private let done = Atomic(0)
    private let sleeping = Atomic(0)
    private let isOver = Atomic(false)
    /// Set before the ticket is, and not changed while a piece is under way.
    private var work: (any PiecewiseWork)?
    private let bell: UnsafeMutablePointer<sem_t>
    private var threads: [ThreadBox] = []

    /// A `Thread` in an array.
    private final class ThreadBox {
        private var thread: Thread?
        init(_ thread: consuming Thread) { self.thread = consume thread }
        func join() { thread.take()?.join() }
    }

    /// - Parameter helpers: Threads beside the one that has the work; fewer if the system has no more.
    package init(helpers: Int) {
        bell = .allocate(capacity: 1)
        sem_init(bell, 0, 0)
        for number in 0..<helpers {
            guard let thread = try? Thread(name: "crew-\(number)", { [self] in help() }) else { break }
            threads.append(ThreadBox(thread))
        }
    }

    /// Does the pieces 0..<`pieces`; returns once all are done. One thread at a time may call this.
    ///
    /// - Parameters:
    ///   - work: What is done.
    ///   - pieces: Fewer than 2^20.
    package func perform(_ work: any PiecewiseWork, pieces: Int) {
        precondition(pieces < 1 << Self.pieceBits)
        guard !threads.isEmpty, pieces > 1 else {
            for piece in 0..<max(0, pieces) { work.perform(piece: piece) }
            return
        }
        self.work = work
        done.store(0, ordering: .relaxed)
        let number = ticket.load(ordering: .relaxed) &>> (2 * Self.pieceBits) &+ 1
        ticket.store(
            number &<< (2 * Self.pieceBits) | UInt64(pieces) &<< Self.pieceBits, ordering: .sequentiallyConsistent)
        wake(pieces - 1)
        var own = 0
        while let piece = takePiece() {
            work.perform(piece: piece)
            own += 1
        }
        var looks = 0
        while done.load(ordering: .acquiring) + own < pieces {
            looks += 1
            // A helper that lost its core in the middle of a piece may need this one.
            if looks % Self.patience == 0 { sched_yield() } else { lockstep_pause() }
        }
        self.work = nil
    }

    /// Sends the helpers home; they must not be called for afterwards.
    package func end() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        for _ in threads { sem_post(bell) }
        for thread in threads { thread.join() }
        threads = []
    }

    deinit {
        sem_destroy(bell)
        bell.deallocate()
    }

    /// The next piece, for the caller alone.
    private func takePiece() -> Int? {
        var seen = ticket.load(ordering: .sequentiallyConsistent)
        while seen & Self.pieceMask < seen &>> Self.pieceBits & Self.pieceMask {
            let (isTaken, found) = ticket.weakCompareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiringAndReleasing)
            if isTaken { return Int(seen & Self.pieceMask) }
            seen = found
        }
        return nil
    }

    /// Wakes as many helpers, as far as they sleep.
    private func wake(_ most: Int) {
        for _ in 0..<most {
            guard leaveSleep() else { return }
            sem_post(bell)
        }
    }

    /// Counts a sleeper less; whoever does so owes it a ring of the bell.
    private func leaveSleep() -> Bool {
        var seen = sleeping.load(ordering: .sequentiallyConsistent)
        while seen > 0 {
            let (isDone, found) = sleeping.weakCompareExchange(
                expected: seen, desired: seen - 1, ordering: .sequentiallyConsistent)
            if isDone { return true }
            seen = found
        }
        return false
    }

    /// A helper's life.
    private func help() {
        while !isOver.load(ordering: .relaxed) {
            if helpOut() { continue }
            sleeping.add(1, ordering: .sequentiallyConsistent)
            // What came in between would ring for nobody; a ring that is owed must be waited for.
            if helpOut(looks: 1), leaveSleep() { continue }
            while sem_wait(bell) != 0 && errno == EINTR {}
        }
    }

    /// Does pieces until none has come for a while.
    ///
    /// - Returns: Whether there were any.
    private func helpOut(looks: Int = Crew.patience) -> Bool {
        var hasHelped = false
        var idle = 0
        while idle < looks {
            guard let piece = takePiece() else {
                idle += 1
                lockstep_pause()
                continue
            }
            // Not over before this piece is: the work is still there.
            work?.perform(piece: piece)
            done.add(1, ordering: .releasing)
            hasHelped = true
            idle = 0
        }
        return hasHelped
    }
}
