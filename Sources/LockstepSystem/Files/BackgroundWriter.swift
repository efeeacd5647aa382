import Glibc
package import LockstepTimeline

/// Writes text to outputs whose readers may be slow, stopped or gone; its callers never wait for them.
///
/// Callers append lines to a bounded queue, and one thread writes them, in their order. An output that accepts nothing
/// holds up no other output. Lines that find the queue of their output full are left out, and a note takes their place
/// once there is room again. An output that fails (a full disk, a reader that has gone) gets nothing more.
package final class BackgroundWriter: Sendable {
    /// What became of an output.
    package struct Report: Equatable, Sendable {
        /// The errno of the write that failed; nil: none has.
        package var failure: Int32?
        /// Lines that were not written.
        package var lostLines = 0
    }

    /// Lines of one call, for one output.
    fileprivate struct Entry {
        let descriptor: Int32
        let bytes: [UInt8]
        let lines: Int
        var written = 0
    }

    fileprivate struct Output {
        var failure: Int32?
        var queuedBytes = 0
        var lostLines = 0
        /// Lost lines that no note in the output mentions yet.
        var unmentionedLines = 0
        /// Whether the output accepts nothing at the moment.
        var isStalled = false
    }

    fileprivate struct State {
        var entries: [Entry] = []
        var outputs: [Int32: Output] = [:]
        var isRunning = false
    }

    /// Bytes that may wait for one output.
    private let limit: Int
    private let state = Locked(State())
    /// Nil where the system has no more descriptors.
    private let events: Events?

    private final class Events: Sendable {
        /// Readable after text was added.
        let added: EventDescriptor
        /// Readable after the thread has written all that it can.
        let idle: EventDescriptor

        init() throws(SystemError) {
            added = try EventDescriptor()
            idle = try EventDescriptor()
        }
    }

    /// The most bytes of one write(2): a pipe that poll(2) calls writable has room for so many.
    private static let writeSize = 4_096

    package init(limit: Int = 1 << 18) {
        self.limit = limit
        events = try? Events()
    }

    /// Appends whole lines for an output. Returns at once.
    ///
    /// - Parameters:
    ///   - text: Its lines end with line breaks.
    ///   - descriptor: The output.
    ///   - isOptional: Whether the text is worth nothing if it has to wait: a progress bar.
    package func write(_ text: String, to descriptor: Int32, isOptional: Bool = false) {
        let bytes = Array(text.utf8)
        let isAdded = state.withLock { state in
            let isAdded = state.append(bytes, to: descriptor, limit: limit, isOptional: isOptional)
            guard isAdded, !state.isRunning else { return isAdded }
            state.isRunning = true
            return start() ? true : state.writeAll()
        }
        if isAdded { events?.added.signal() }
    }

    /// Waits until all text is written that can be.
    ///
    /// - Parameters:
    ///   - deadline: When to stop waiting for outputs that accept nothing.
    ///   - descriptor: The only output that counts; nil: all do.
    ///   - waitsForReaders: Whether to wait for such outputs at all.
    package func flush(until deadline: Deadline, only descriptor: Int32? = nil, waitsForReaders: Bool = true) {
        while true {
            let isDone = state.withLock { state in
                guard waitsForReaders else { return state.nextIndex == nil }
                return !state.entries.contains { descriptor == nil || $0.descriptor == descriptor }
            }
            let now = Instant.now
            guard !isDone, let events, !deadline.hasPassed(at: now) else { return }
            var item = pollfd(fd: events.idle.number, events: Int16(POLLIN), revents: 0)
            // Another thread may flush at the same time and take the event.
            let left = deadline.remainingMilliseconds(at: now)
            poll(&item, 1, left < 0 ? 20 : min(20, left))
            events.idle.reset()
        }
    }

    /// What became of an output so far; what waits for its reader counts as lost.
    package func report(on descriptor: Int32) -> Report {
        state.withLock { state in
            let waiting = state.entries.reduce(0) { $0 + ($1.descriptor == descriptor ? $1.lines : 0) }
            let output = state.outputs[descriptor] ?? Output()
            return Report(failure: output.failure, lostLines: output.lostLines + waiting)
        }
    }

    // MARK: - The thread

    private func start() -> Bool {
        guard events != nil else { return false }
        return (try? Thread(name: "output") { [self] in run() }) != nil
    }

    private func run() {
        while true {
            guard let entry = state.withLock({ $0.nextEntry }) else {
                events?.idle.signal()
                waitForWork()
                continue
            }
            let result = Self.writeSome(of: entry)
            state.withLock { $0.advance(entry.descriptor, result) }
        }
    }

    /// Waits for new text, or for an output that accepts text again.
    private func waitForWork() {
        guard let events else { return }
        let stalled = state.withLock { $0.outputs.filter(\.value.isStalled).map(\.key) }
        var items = [pollfd(fd: events.added.number, events: Int16(POLLIN), revents: 0)]
        items += stalled.map { pollfd(fd: $0, events: Int16(POLLOUT), revents: 0) }
        poll(&items, nfds_t(items.count), -1)
        events.added.reset()
        let ready = items.dropFirst().filter { $0.revents != 0 }.map(\.fd)
        state.withLock { state in
            for descriptor in ready { state.outputs[descriptor]?.isStalled = false }
        }
    }

    fileprivate enum Result {
        case written(Int)
        case stalled
        case failed(Int32)
    }

    /// Writes as much of an entry as its output accepts without waiting.
    private static func writeSome(of entry: Entry) -> Result {
        var item = pollfd(fd: entry.descriptor, events: Int16(POLLOUT), revents: 0)
        guard retryingInterrupts({ poll(&item, 1, 0) }) != 0 else { return .stalled }
        let count = entry.bytes[entry.written...].prefix(writeSize).withUnsafeBytes { bytes in
            retryingInterrupts { Glibc.write(entry.descriptor, bytes.baseAddress, bytes.count) }
        }
        if count > 0 { return .written(count) }
        return count < 0 && errno == EAGAIN ? .stalled : .failed(count < 0 ? errno : EIO)
    }
}

extension BackgroundWriter.State {
    /// The oldest entry whose output accepts text.
    fileprivate var nextEntry: BackgroundWriter.Entry? { nextIndex.map { entries[$0] } }

    /// The place of the oldest entry whose output accepts text.
    fileprivate var nextIndex: Int? {
        entries.firstIndex { outputs[$0.descriptor]?.isStalled != true }
    }

    /// Adds text, after a note about text that was left out before it. Returns whether there is something to write.
    fileprivate mutating func append(
        _ bytes: [UInt8], to descriptor: Int32, limit: Int, isOptional: Bool
    ) -> Bool {
        var output = outputs[descriptor] ?? BackgroundWriter.Output()
        defer { outputs[descriptor] = output }
        let lines = isOptional ? 0 : bytes.count { $0 == UInt8(ascii: "\n") }
        guard output.failure == nil,
            output.queuedBytes == 0 || (!isOptional && output.queuedBytes + bytes.count <= limit)
        else {
            output.lostLines += lines
            output.unmentionedLines += lines
            return false
        }
        if output.unmentionedLines > 0 {
            let missing = output.unmentionedLines == 1 ? "1 line is" : "\(output.unmentionedLines) lines are"
            let note = Array("lockstep: \(missing) missing here: this output was not read in time\n".utf8)
            entries.append(BackgroundWriter.Entry(descriptor: descriptor, bytes: note, lines: 0))
            output.queuedBytes += note.count
            output.unmentionedLines = 0
        }
        entries.append(BackgroundWriter.Entry(descriptor: descriptor, bytes: bytes, lines: lines))
        output.queuedBytes += bytes.count
        return true
    }

    /// Records the result of a write of the output's oldest entry.
    fileprivate mutating func advance(_ descriptor: Int32, _ result: BackgroundWriter.Result) {
        guard let index = entries.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        switch result {
        case .written(let count):
            entries[index].written += count
            outputs[descriptor]?.queuedBytes -= count
            if entries[index].written == entries[index].bytes.count { entries.remove(at: index) }
        case .stalled:
            outputs[descriptor]?.isStalled = true
        case .failed(let code):
            outputs[descriptor]?.failure = code
            outputs[descriptor]?.queuedBytes = 0
            outputs[descriptor]?.lostLines += entries.reduce(0) { $0 + ($1.descriptor == descriptor ? $1.lines : 0) }
            entries.removeAll { $0.descriptor == descriptor }
        }
    }

    /// Writes everything on the caller's thread: the system gives no other. Returns false: nothing is left to write.
    fileprivate mutating func writeAll() -> Bool {
        isRunning = false
        while let entry = entries.first {
            let rest = Array(entry.bytes[entry.written...])
            do throws(SystemError) {
                try rest.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                    try LockstepSystem.write(UnsafeRawBufferPointer(bytes), to: entry.descriptor)
                }
                advance(entry.descriptor, .written(rest.count))
            } catch {
                advance(entry.descriptor, .failed(error.code))
            }
        }
        return false
    }
}
