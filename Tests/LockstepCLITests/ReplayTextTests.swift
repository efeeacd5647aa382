import LockstepCluster
import LockstepProtocol
import LockstepTimeline
import Testing

@testable import LockstepCLI

@Suite("What a replay prints")
struct ReplayTextTests {
    private static let configuration = CoordinatorMachine.Configuration(
        minimumWorkers: 1, maximumWorkers: 1, chunks: 1, dataBytes: 0, programVersion: "1",
        expected: Ready(kernel: "avx2", fingerprint: []), allowsMixedKernels: false, deadlines: Deadlines())

    /// The record of a coordinator that a worker asks to join.
    ///
    /// - Parameter ticks: Events after that.
    /// - Returns: Its bytes.
    private static func record(ticks: Int) -> [UInt8] {
        let start = Instant(nanoseconds: 1_000)
        var machine = CoordinatorMachine(configuration: configuration, now: start)
        var record = EventRecord(configuration, now: start)
        let hello = CoordinatorEvent.hello(
            PeerID(rawValue: 1), Hello(programVersion: "1", host: "host", processID: 7))
        for (index, event) in ([hello] + Array(repeating: .tick, count: ticks)).enumerated() {
            let now = Instant(nanoseconds: 1_000 + UInt64(index + 1) * 1_000_000)
            var actions: [CoordinatorAction] = []
            machine.handle(event, now: now, into: &actions)
            record.append(event, now: now, actions: actions[...])
        }
        return record.drainBytes()
    }

    private static func replay(_ bytes: [UInt8]) -> (
        lines: [String], result: Result<EventReplay.Report, EventReplay.Failure>
    ) {
        var list = ReplayText.EventList()
        var lines: [String] = []
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(EventReplay.Failure) in
                try EventReplay.run(bytes) { if let line = list.add($0) { lines.append(line) } }
            }
        }
        return (lines + (list.omission.map { [$0] } ?? []), result)
    }

    @Test("A record that leads to the same decisions is counted, and listed")
    func same() throws {
        let (lines, result) = Self.replay(Self.record(ticks: 2))
        #expect(
            ReplayText.line(try result.get())
                == "3 events, 1 action, 0 steps, 0.003 s: the same decisions as in the run")
        #expect(
            lines == [
                "0   0.001000 s   hello(peer 1, Hello(programVersion: \"1\", host: \"host\", processID: 7, processes: 1)) -> "
                    + "welcome(peer 1, worker 1)",
                "1   0.002000 s   tick", "2   0.003000 s   tick",
            ])
    }

    @Test("The list is bounded, in lines and in their length")
    func bounded() throws {
        let (lines, _) = Self.replay(Self.record(ticks: 1_001))
        #expect(lines.count == 1_001 && lines.last == "and 2 more events")
        var list = ReplayText.EventList()
        let long = CoordinatorEvent.peerLost(PeerID(rawValue: 1), reason: String(repeating: "x", count: 5_000))
        let added = list.add(EventReplay.Replayed(number: 0, seconds: 0, event: long, actions: []))
        let line = try #require(added)
        #expect(line.count <= 500 && line.hasSuffix("..."))
    }

    @Test("A record that leads to other decisions names event, time, what was recorded and what comes now")
    func differs() throws {
        var bytes = Self.record(ticks: 1)
        // The first event's record ends before the last one's 19 bytes: moment, kind, count and digest.
        bytes[bytes.count - 19 - 1] ^= 1
        let (_, result) = Self.replay(bytes)
        let failure = #expect(throws: EventReplay.Failure.self) { _ = try result.get() }
        let found = try #require(failure)
        #expect(ReplayText.kind(of: found) == .failedCheck)
        let text = ReplayText.text(found)
        #expect(
            text.hasPrefix(
                "the decisions differ at event 0, after 0.001000 s: hello(peer 1, Hello(programVersion: \"1\", host: "
                    + "\"host\", processID: 7, processes: 1)); recorded: 1 action with digest "))
        #expect(text.contains("; now: 1 action with digest ") && text.hasSuffix(": welcome(peer 1, worker 1)"))
    }

    @Test("Another file is no record", arguments: [[], [1, 2, 3], Array("root:x:0:0".utf8)])
    func foreign(bytes: [UInt8]) throws {
        let (_, result) = Self.replay(bytes)
        let thrown = #expect(throws: EventReplay.Failure.self) { _ = try result.get() }
        let failure = try #require(thrown)
        #expect(ReplayText.kind(of: failure) == .invalidData)
        #expect(ReplayText.text(failure).hasPrefix("this is no record of events, or a damaged one, at event 0: "))
        #expect(!ReplayText.text(failure).contains("endpoint"))
    }
}
