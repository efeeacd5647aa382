import Glibc
import LockstepSystem
import LockstepTimeline
import Testing

@Suite("Lines of child processes")
struct LineRelayTests {
    /// What a relay hands on.
    private final class Lines: Sendable {
        let all = Locked<[String]>([])
        func add(_ name: String, _ line: String) { all.withLock { $0.append("\(name): \(line)") } }
        var sorted: [String] { all.withLock { $0.sorted() } }
    }

    @Test("Each line comes under the name of its process, the last one without an end too")
    func lines() throws {
        let lines = Lines()
        let relay = try LineRelay(lines.add)
        for name in ["a", "b"] {
            let pipe = try relay.makePipe(named: name)
            let child = try ChildProcess(
                ChildProcess.Command(
                    executable: "/bin/sh", arguments: ["-c", "echo one; echo two >&2; printf three"],
                    output: .file(pipe.number)))
            _ = consume pipe
            #expect(child.wait(until: .never) == .exited(code: 0))
        }
        relay.finish(until: .after(.seconds(60)))
        #expect(lines.sorted == ["a: one", "a: three", "a: two", "b: one", "b: three", "b: two"])
    }

    @Test("A line without end is handed on in parts")
    func long() throws {
        let lines = Lines()
        let relay = try LineRelay(lines.add)
        let pipe = try relay.makePipe(named: "x")
        try pipe.write([UInt8](repeating: UInt8(ascii: "y"), count: 2 * LineRelay.maximumLineBytes + 1))
        _ = consume pipe
        relay.waitForEnd(of: "x", until: .after(.seconds(60)))
        #expect(lines.sorted.map(\.count) == [4, 4_099, 4_099])
        relay.finish(until: .after(.seconds(60)))
    }

    @Test("A pipe that is held open does not keep the relay from its end")
    func held() throws {
        let relay = try LineRelay { _, _ in }
        let pipe = try relay.makePipe(named: "x")
        relay.waitForEnd(of: "x", until: .after(.milliseconds(10)))
        relay.finish(until: .after(.milliseconds(10)))
        _ = consume pipe
    }
}

@Suite("A line on standard input")
struct StandardInputTests {
    private func read(_ text: String, closes: Bool = true) throws -> String? {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        let writer = FileDescriptor(owning: ends[1])
        try writer.write(Array(text.utf8))
        if closes { _ = consume writer }
        let deadline = Deadline.after(.milliseconds(closes ? 60_000 : 20))
        let line = StandardInput.readLine(maximum: 20, until: deadline, from: ends[0])
        return line.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("is read to its end, and no further")
    func line() throws {
        #expect(try read("one\ntwo\n") == "one")
        #expect(try read("one\r\n") == "one")
        #expect(try read("\n") == "")
    }

    @Test("has come whole, in time, and is not too long")
    func missing() throws {
        #expect(try read("") == nil)
        #expect(try read("half") == nil)
        #expect(try read("half", closes: false) == nil)
        #expect(try read(String(repeating: "x", count: 30) + "\n") == nil)
    }
}
