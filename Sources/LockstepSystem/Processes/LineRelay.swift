import Glibc
package import LockstepTimeline

/// Reads what child processes print, and hands it on line by line, on a thread of its own.
///
/// A child that prints without end, or a line that does, takes no more than a bounded amount of memory.
package final class LineRelay: Sendable {
    /// A longer line is handed on in parts of this size.
    package static let maximumLineBytes = 4_096

    fileprivate struct Source {
        let file: Int32
        let name: String
        var line: [UInt8] = []
    }

    private struct State {
        var sources: [Source] = []
        var isClosed = false
    }

    private let state = Locked(State())
    private let wake: EventDescriptor
    private let ended: EventDescriptor
    private let receive: @Sendable (_ name: String, _ line: String) -> Void

    /// - Parameter receive: Called with each line and the name of its source, on the relay's thread.
    /// - Throws: `SystemError` if the thread cannot be started.
    package init(_ receive: @escaping @Sendable (_ name: String, _ line: String) -> Void) throws(SystemError) {
        self.receive = receive
        wake = try EventDescriptor()
        ended = try EventDescriptor()
        _ = try Thread(name: "line-relay") { [self] in run() }
    }

    /// A pipe whose lines are handed on under a name.
    ///
    /// - Returns: The end to write to. The relay has read everything once all copies of it are closed.
    /// - Throws: `SystemError` if there is no pipe.
    package func makePipe(named name: String) throws(SystemError) -> FileDescriptor {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw .last("make a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        let file = ends[0]
        state.withLock { $0.sources.append(Source(file: file, name: name)) }
        wake.signal()
        return FileDescriptor(owning: ends[1])
    }

    /// Waits until the pipe of this name has ended and its lines are handed on.
    package func waitForEnd(of name: String, until deadline: Deadline) {
        while state.withLock({ $0.sources.contains { $0.name == name } }), !deadline.hasPassed(at: .now) {
            Thread.sleep(seconds: 0.005)
        }
    }

    /// Waits until all pipes have ended and their lines are handed on, and ends the thread.
    ///
    /// - Parameter deadline: When to stop waiting: a process that is left over may hold a pipe open.
    package func finish(until deadline: Deadline) {
        state.withLock { $0.isClosed = true }
        wake.signal()
        var item = pollfd(fd: ended.number, events: Int16(POLLIN), revents: 0)
        _ = retryingInterrupts { poll(&item, 1, deadline.remainingMilliseconds(at: .now)) }
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let (files, isClosed) = state.withLock { ($0.sources.map(\.file), $0.isClosed) }
            if isClosed, files.isEmpty { return ended.signal() }
            var items = [pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0)]
            items += files.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&items, nfds_t(items.count), -1) >= 0 || errno == EINTR else { return ended.signal() }
            if items[0].revents != 0 { wake.reset() }
            for item in items.dropFirst() where item.revents != 0 { readOnce(item.fd, &buffer) }
        }
    }

    /// Reads what has arrived from a source, once, so that no source keeps the others waiting.
    private func readOnce(_ file: Int32, _ buffer: inout [UInt8]) {
        let count = retryingInterrupts { Glibc.read(file, &buffer, buffer.count) }
        if count < 0, errno == EAGAIN { return }
        let bytes = count > 0 ? Array(buffer.prefix(count)) : []
        let (name, lines) = state.withLock { state -> (String, [String]) in
            guard let index = state.sources.firstIndex(where: { $0.file == file }) else { return ("", []) }
            let rest = bytes.isEmpty ? state.sources[index].rest.map { [$0] } ?? [] : []
            return (state.sources[index].name, state.sources[index].addLines(bytes) + rest)
        }
        for line in lines { receive(name, line) }
        guard bytes.isEmpty else { return }
        // Only now: ``waitForEnd(of:until:)`` waits for the lines too.
        state.withLock { $0.sources.removeAll { $0.file == file } }
        close(file)
    }
}

extension LineRelay.Source {
    /// Adds bytes, and returns the lines that are complete.
    fileprivate mutating func addLines(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            let isEnd = byte == UInt8(ascii: "\n")
            if !isEnd { line.append(byte) }
            if isEnd || line.count == LineRelay.maximumLineBytes { lines.append(removeLine()) }
        }
        return lines
    }

    /// What has come after the last line break; nil if nothing has.
    fileprivate var rest: String? { line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }

    private mutating func removeLine() -> String {
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}
