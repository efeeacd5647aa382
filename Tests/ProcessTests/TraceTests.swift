import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// `--trace`: a timeline of all processes, in a format that other programs read.
@Suite("Traces", .serialized, .oneAtATime)
struct TraceTests {
    private struct File: Decodable {
        struct Event: Decodable {
            struct Arguments: Decodable {
                var name: String?
                var step: Int?
            }
            var ph: String
            var name: String
            var pid: Int
            var ts: Double?
            var dur: Double?
            var id: UInt64?
            var args: Arguments?
        }
        var traceEvents: [Event]
    }

    private func trace(_ place: Workplace, _ options: [String]) throws -> [File.Event] {
        let output = place.output()
        // From the first traced step on, every node takes 10 ms longer: a worker that waits for a core on a loaded
        // machine then misses a few of the 50 steps, but not all.
        let run = try RunningProcess(
            ["train", place.configuration, "--output", output, "--trace"] + options,
            environment: ["LOCKSTEP_FAULT": "slow=10@100"], in: place.folder.path)
        let result = try run.wait()
        try #require(result.status == 0, "\(result)")
        #expect(run.orphans().isEmpty)
        let path = RunDirectory(existing: output).trace
        #expect(result.output.contains("Trace: \(path)"))
        return try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(filePath: path))).traceEvents
    }

    /// The names of the tracks, by process.
    private func tracks(_ events: [File.Event]) -> [Int: String] {
        let names = events.filter { $0.ph == "M" && $0.name == "process_name" }
        return Dictionary(names.map { ($0.pid, $0.args?.name ?? "") }) { first, second in "\(first), \(second)" }
    }

    @Test(
        "Each process has a track of fifty steps; every arrow has a beginning and an end",
        arguments: [
            ["--workers", "2"], ["--workers", "3", "--shards", "2"], ["--workers", "2", "--transport", "inline"],
        ])
    func cluster(options: [String]) throws {
        let events = try trace(try Workplace(epochs: 6), options)
        let tracks = tracks(events)
        let workers = options[1] == "3" ? 3 : 2
        #expect(tracks.values.sorted() == ["coordinator"] + (1...workers).map { "worker \($0)" })
        let steps = Dictionary(grouping: events.filter { $0.ph == "X" && $0.name.hasPrefix("step ") }, by: \.pid)
        let window = Set(100..<150)
        for (process, name) in tracks {
            let own = Set((steps[process] ?? []).compactMap { $0.args?.step })
            // A worker that is late in one step may get no node in the next.
            #expect(name == "coordinator" ? own == window : !own.isEmpty && own.isSubset(of: window), "\(name)")
        }
        for event in events where event.ph == "X" {
            #expect((event.ts ?? -1) >= 0 && (event.dur ?? -1) >= 0 && window.contains(event.args?.step ?? -1))
        }
        // The workers compute, so they show the passes of both layers.
        for (process, name) in tracks where workers == 2 {
            let own = Set(events.filter { $0.pid == process && $0.ph == "X" }.map(\.name))
            for pass in ["forward layer 0", "forward layer 1", "backward layer 1", "backward layer 0"] {
                #expect(own.contains(pass) == (name != "coordinator"), "\(name): \(pass)")
            }
        }
        let departures = Dictionary(grouping: events.filter { $0.ph == "s" }) { $0.id ?? 0 }
        let arrivals = Dictionary(grouping: events.filter { $0.ph == "f" }) { $0.id ?? 0 }
        // Every step has at least an assignment and an answer.
        #expect(departures.count >= 2 * window.count)
        #expect(Set(departures.keys) == Set(arrivals.keys))
        for (id, ends) in departures {
            #expect(ends.count == 1 && arrivals[id]?.count == 1)
            // From the coordinator to a worker or back.
            let names = [ends.first?.pid, arrivals[id]?.first?.pid].map { tracks[$0 ?? -1] }
            #expect(names.filter { $0 == "coordinator" }.count == 1, "\(names)")
        }
    }

    @Test("A single process has one track and no messages")
    func alone() throws {
        let events = try trace(try Workplace(epochs: 6), [])
        #expect(tracks(events).values.sorted() == ["one process"])
        #expect(!events.contains { $0.ph == "s" || $0.ph == "f" })
        #expect(events.contains { $0.name == "update" } && events.contains { $0.name == "gather" })
    }
}
