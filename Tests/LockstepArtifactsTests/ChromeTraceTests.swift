import Foundation
import LockstepArtifacts
import LockstepTimeline
import Testing

@Suite struct ChromeTraceTests {
    private struct File: Decodable {
        struct Event: Decodable {
            var ph: String
            var name: String
            var pid: Int
            var ts: Double?
            var dur: Double?
            var id: UInt64?
        }
        var traceEvents: [Event]
    }

    private func write(_ tracks: [ChromeTrace.Track]) throws -> [File.Event] {
        let path = NSTemporaryDirectory() + "trace-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try ChromeTrace(tracks: tracks).write(to: path)
        return try JSONDecoder().decode(File.self, from: try Data(contentsOf: URL(filePath: path))).traceEvents
    }

    @Test("a process is a track with its steps around its phases")
    func phases() throws {
        let events = try write([
            .init(
                name: "coordinator \"a\"", processID: 7,
                spans: [
                    .init(phase: .gather, step: 3, start: 5_000_000_000_001, end: 5_000_000_001_501),
                    .init(phase: .forward, layer: 1, step: 3, start: 5_000_000_001_501, end: 5_000_000_002_501),
                    .init(phase: .wait, step: 4, start: 5_000_000_002_501, end: 5_000_000_002_601),
                ])
        ])
        #expect(events.map(\.ph) == ["M", "M", "X", "X", "X", "X", "X"])
        #expect(
            events.dropFirst(2).map(\.name) == ["step 3", "step 4", "gather", "forward layer 1", "wait"])
        #expect(events.dropFirst(2).map(\.ts) == [0, 2.5, 0, 1.5, 2.5])
        #expect(events.dropFirst(2).map(\.dur) == [2.5, 0.1, 1.5, 1, 0.1])
    }

    @Test("a message's ends have one number, on the coordinator's clock")
    func messages() throws {
        let events = try write([
            .init(
                name: "coordinator", processID: 1,
                spans: [.init(kind: .departure, phase: .send, step: 0, start: 1_000, end: 1_000, detail: 42)]),
            .init(
                name: "worker 1", processID: 2, clockOffset: -500_000,
                spans: [.init(kind: .arrival, phase: .receive, step: 0, start: 503_000, end: 503_000, detail: 42)]),
        ])
        let ends = events.filter { $0.ph != "M" }
        #expect(ends.map(\.ph) == ["s", "f"] && ends.map(\.id) == [42, 42])
        #expect(ends.map(\.pid) == [0, 1] && ends.map(\.ts) == [0, 2])
    }

    @Test("without spans the file has no events but the names")
    func empty() throws {
        #expect(try write([.init(name: "coordinator", processID: 1, spans: [])]).map(\.ph) == ["M", "M"])
    }
}
