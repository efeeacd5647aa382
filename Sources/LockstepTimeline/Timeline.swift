/// Where one thread's time goes: the total of each phase and, for a window of steps, every single span.
///
/// A thread is in exactly one phase at a time, so the totals add up to the elapsed time. Changing the phase costs one
/// clock reading. Only the thread that it describes may use it; it allocates nothing after `init`.
package final class Timeline {
    /// One stay in a phase, or a message's departure or arrival, in the time of this host's clock.
    package struct Span: Hashable, Sendable {
        package enum Kind: UInt8, CaseIterable, Sendable {
            case phase
            /// A message is sent; its arrival at the other end has the same `detail`.
            case departure
            /// A message is received.
            case arrival
        }

        package var kind: Kind
        package var phase: Phase
        /// The layer of a forward or backward pass, from 0.
        package var layer: UInt16
        package var step: UInt64
        /// Nanoseconds, as in ``Instant``.
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

    /// The most spans that a timeline of a run records. So many fit into one message.
    package static let maximumSpans = 20_000

    /// The steps whose spans are recorded; none by default.
    package var window: Range<UInt64> = 0..<0
    /// The current step.
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
    /// - Parameter capacity: The largest number of recorded spans; later spans count in the totals only.
    package init(capacity: Int = 0) {
        precondition(capacity >= 0)
        self.capacity = capacity
        memory = .allocate(capacity: max(1, capacity))
        sums = .allocate(capacity: Phase.allCases.count)
        sums.initialize(repeating: 0, count: Phase.allCases.count)
        start = Instant.now.nanoseconds
    }

    deinit {
        memory.deallocate()
        sums.deallocate()
    }

    /// Ends the current phase and begins another.
    ///
    /// - Parameters:
    ///   - next: The new phase.
    ///   - layer: The layer of a forward or backward pass.
    /// - Returns: The phase that ended, so that the caller can return to it.
    @discardableResult
    package func enter(_ next: Phase, layer: Int = 0) -> Phase {
        let now = Instant.now.nanoseconds
        close(at: now)
        let previous = phase
        phase = next
        self.layer = UInt16(truncatingIfNeeded: layer)
        start = now
        return previous
    }

    /// Excludes the time since the last phase change from all totals.
    package func skip() {
        start = Instant.now.nanoseconds
    }

    /// Records a message's departure or arrival, if its step is in the window.
    ///
    /// - Parameters:
    ///   - kind: Departure or arrival.
    ///   - step: The message's step; a late message has an earlier step than the current one.
    ///   - detail: A number that identifies the message at both ends.
    package func mark(_ kind: Span.Kind, step: UInt64, detail: UInt64) {
        guard window.contains(step) else { return }
        let now = Instant.now.nanoseconds
        record(Span(kind: kind, phase: phase, step: step, start: now, end: now, detail: detail))
    }

    /// Records that a message about a work item is sent or has arrived.
    ///
    /// - Parameters:
    ///   - kind: Departure or arrival.
    ///   - member: The worker that receives or sends the message.
    ///   - step: The item's step.
    ///   - item: The item's number in the step: a tree node.
    ///   - isAnswer: Whether the worker sends the message.
    package func mark(_ kind: Span.Kind, member: UInt32, step: UInt64, item: UInt32, isAnswer: Bool) {
        let place = UInt64(member & 0xFFFF) << 16 | UInt64(item & 0x7FFF) << 1 | (isAnswer ? 1 : 0)
        mark(kind, step: step, detail: step << 32 | place)
    }

    /// Nanoseconds spent in each phase so far, by its raw value; the current phase counts until now.
    package var totals: [UInt64] {
        enter(phase, layer: Int(layer))
        return Array(UnsafeBufferPointer(start: sums, count: Phase.allCases.count))
    }

    /// The recorded spans, in the order of their ends.
    package var spans: [Span] { Array(UnsafeBufferPointer(start: memory, count: count)) }

    /// Clears totals and spans.
    package func reset() {
        start = Instant.now.nanoseconds
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
}
