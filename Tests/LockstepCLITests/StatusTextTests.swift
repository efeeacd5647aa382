import Foundation
import LockstepRuntime
import Testing

@testable import LockstepCLI

@Suite("What a status says")
struct StatusTextTests {
    /// A run of 2 epochs of 100 steps.
    ///
    /// - Parameters:
    ///   - phase: What it is doing.
    ///   - step: JSON; null before the first.
    ///   - name: The run's, as JSON has it between quotes.
    ///   - host: The first worker's.
    /// - Returns: Its report, as it travels.
    /// - Throws: `DecodingError` if the JSON is no report.
    private static func report(
        _ phase: String, step: String, name: String = "tiny", host: String = "a"
    ) throws -> StatusReport {
        let json = """
            {"name": "\(name)", "programVersion": "0.1.0", "epochs": 2, "stepsPerEpoch": 100, "shards": 4,
             "cluster": {"phase": "\(phase)", "step": \(step), "lost": 1, "joined": 3, "shardsReassigned": 1, "workers": [
               {"member": 1, "host": "\(host)", "processID": 11, "state": "computing", "outstanding": 1},
               {"member": 2, "host": "b", "processID": 12, "state": "idle", "outstanding": 0, "processes": 4},
               {"member": 3, "host": "c", "processID": 13, "state": "preparing", "outstanding": 0}]},
             "paces": [1, 1000000, 2, 5250000]}
            """
        return try Array(json.utf8).withUnsafeBytes { try StatusReport(decoding: $0) }
    }

    @Test("A status as JSON has keys of its own, whatever the protocol calls things")
    func json() throws {
        let text = try Self.report("training", step: "150").json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["phase"] as? String == "training" && object["step"] as? Int == 150)
        #expect(object["steps"] as? Int == 200 && object["shards_reassigned"] as? Int == 1)
        let workers = try #require(object["workers"] as? [[String: Any]])
        #expect(workers.map { $0["process_id"] as? Int } == [11, 12, 13])
        #expect(workers.map { $0["milliseconds_per_node"] as? Double } == [1, 5.25, nil])
        #expect(workers.map { $0["is_slow"] as? Bool } == [false, true, false])
    }

    @Test("The run, each worker with its compute time, and what happened to them")
    func lines() throws {
        #expect(
            try Self.report("training", step: "150").lines == [
                "tiny: training, step 150 of 200, epoch 1",
                "  worker 1   a, pid 11   computing   1.00 ms a node",
                "  worker 2   b, pid 12, 4 processes   idle   5.25 ms a node   slow",
                "  worker 3   c, pid 13   preparing   -",
                "3 joined, 1 lost, 1 shard reassigned; lockstep 0.1.0",
            ])
    }

    @Test("Before the first step there is none, and after the last the epoch is the last")
    func steps() throws {
        #expect(try Self.report("gathering", step: "null").lines[0] == "tiny: gathering")
        #expect(try Self.report("ending", step: "200").lines[0] == "tiny: ending, step 200 of 200, epoch 1")
    }

    @Test(
        "A status with names that are not printable is refused",
        arguments: [#"\u001B[2J"#, #"\n"#, #"\u202E"#, #"\u200B"#, #"\u2028"#, #"\u2029"#, "\u{FEFF}"])
    func unprintable(text: String) throws {
        #expect(throws: StatusReport.Failure.unprintable) { try Self.report("training", step: "1", name: text) }
        #expect(throws: StatusReport.Failure.unprintable) { try Self.report("training", step: "1", host: text) }
    }

    @Test("A surrogate without its other half is no text", arguments: [#"\uD800"#, #"\uDC00"#, #"\uD800x"#])
    func surrogates(text: String) {
        #expect(throws: DecodingError.self) { try Self.report("training", step: "1", name: text) }
    }
}
