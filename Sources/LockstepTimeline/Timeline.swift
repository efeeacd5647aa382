import Glibc

/// Where the time of one thread goes: the sum of each phase, and, of a window of steps, every single span.
///
/// A thread is in exactly one phase at a time, so the sums add up to the time that has passed. Changing the phase costs
/// one reading of the clock. Belongs to the thread that it follows; allocates nothing after `init`.
package final class Timeline {
    /// One stay in a phase, or a message's leaving or arriving, on the clock of this host.
    package struct Span: Hashable, Sendable {
        package enum Kind: UInt8, CaseIterable, Sendable {
            case phase
            /// A message leaves; `detail` is what its arrival shows too.
            case departure
            case arrival
        }

        package var kind: Kind
        package var phase: Phase
        /// The layer of a forward or backward pass, from 0.
        package var layer: UInt16
        package var step: UInt64
        /// Nanoseconds of the monotonic clock.
        package var start: UInt64
        package var end: UInt64
        package var detail: UInt64

        package init(
            kind: Kind = .phase, phase: Phase, layer: UInt16 = 0, step: UInt64, start: UInt64, end: UInt64,
            detail: UInt64 = 0
        ) {
            self.kind = kind
            self.phase = phase
            self.layer = layer
            self.step = step
            self.start = start
            self.end = end
            self.detail = detail
        }
    }

    /// Steps whose spans are kept; none by default.
    package var window: Range<UInt64> = 0..<0
    /// The step that is under way.
    package var step: UInt64 = 0

    private let capacity: Int
    private let memory: UnsafeMutablePointer<Span>
    private var count = 0
    private let sums: UnsafeMutablePointer<UInt64>
    private var phase = Phase.other
    private var layer: UInt16 = 0
    private var start: UInt64

    /// Starts in ``Phase/other``.
    ///
    /// - Parameter capacity: Spans that there is room for; later ones are counted in the sums but not kept.
    package init(capacity: Int = 0) {
        precondition(capacity >= 0)
        self.capacity = capacity
        memory = .allocate(capacity: max(1, capacity))
        sums = .allocate(capacity: Phase.allCases.count)
        sums.initialize(repeating: 0, count: Phase.allCases.count)
        start = Self.now
    }

    deinit {
        memory.deallocate()
        sums.deallocate()
    }

    /// Ends the phase under way and begins another.
    ///
    /// - Parameters:
    ///   - next: The new phase.
    ///   - layer: The layer that it is about, if it is about one.
    /// - Returns: The phase that ended, for the caller to come back to.
    @discardableResult
    package func enter(_ next: Phase, layer: Int = 0) -> Phase {
        let now = Self.now
        close(at: now)
        let previous = phase
        phase = next
        self.layer = UInt16(truncatingIfNeeded: layer)
        start = now
        return previous
    }

    /// Leaves the time since the last change of phase out, as if the thread had not existed meanwhile.
    package func skip() {
        start = Self.now
    }

    /// Notes that a message leaves or arrives, if the step that it is about is in the window.
    ///
    /// - Parameters:
    ///   - kind: Which of the two.
    ///   - step: What it is about; one that comes late is about an earlier step than the one under way.
    ///   - detail: The same number at both ends, and no other message's.
    package func mark(_ kind: Span.Kind, step: UInt64, detail: UInt64) {
        guard window.contains(step) else { return }
        let now = Self.now
        record(Span(kind: kind, phase: phase, step: step, start: now, end: now, detail: detail))
    }

    /// Nanoseconds spent in each phase so far, by its raw value; the phase under way counts up to now.
    package var totals: [UInt64] {
        enter(phase, layer: Int(layer))
        return Array(UnsafeBufferPointer(start: sums, count: Phase.allCases.count))
    }

    /// The spans that were kept, in the order of their ends.
    package var spans: [Span] { Array(UnsafeBufferPointer(start: memory, count: count)) }

    /// Forgets sums and spans.
    package func reset() {
        start = Self.now
        count = 0
        sums.update(repeating: 0, count: Phase.allCases.count)
    }

    private func close(at now: UInt64) {
        sums[Int(phase.rawValue)] &+= now &- start
        if window.contains(step), now > start {
            record(Span(phase: phase, layer: layer, step: step, start: start, end: now))
        }
    }

    private func record(_ span: Span) {
        guard count < capacity else { return }
        (memory + count).initialize(to: span)
        count += 1
    }

    /// The monotonic clock, in nanoseconds.
    package static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
