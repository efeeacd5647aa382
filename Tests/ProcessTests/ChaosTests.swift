import Foundation
import LockstepTesting
import Testing

/// Runs under random faults, as users start them.
@Suite("Chaos", .serialized, .oneAtATime)
struct ChaosTests {
    /// What the tests read of the document that `--json` prints.
    private struct Document: Decodable {
        struct Result: Decodable {
            struct Run: Decodable {
                let seed: UInt64
                let injected: [String: Int]
                let isEqual: Bool
                let problems: [String]
            }

            let runs: [Run]
        }

        let equal: Int
        let result: Result
    }

    private func chaos(
        _ place: Workplace, _ options: [String], fault: String = "slow=2"
    ) throws -> (ending: FinishedProcess, orphans: [Int32]) {
        let run = try RunningProcess(
            ["chaos", place.configuration, "--output", place.folder("chaos"), "--quiet"] + options,
            environment: ["LOCKSTEP_FAULT": fault], in: place.folder.path)
        return (try run.wait(), run.orphans())
    }

    private func document(_ ending: FinishedProcess) throws -> Document {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Document.self, from: Data(ending.output.utf8))
    }

    @Test("After faults of all kinds the weights are those of the undisturbed run, and no process is left")
    func allKinds() throws {
        // Long enough for two workers to be healthy again before each fault.
        let place = try Workplace(epochs: 40)
        let kinds = ["kill", "stop", "slow", "drop", "partition", "join", "coordinator"]
        let (ending, orphans) = try chaos(
            place,
            [
                "--faults", kinds.joined(separator: ","), "--count", "7", "--seed", "3", "--shards", "4", "--set",
                "checkpoint.every=0.1", "--json",
            ])
        #expect(ending.status == 0, "\(ending)")
        #expect(orphans.isEmpty)
        let document = try document(ending)
        #expect(document.equal == 1)
        let run = try #require(document.result.runs.first)
        #expect(run.injected == Dictionary(uniqueKeysWithValues: kinds.map { ($0, 1) }), "\(ending)")
        #expect(run.isEqual && run.problems.isEmpty)
    }

    @Test(
        "What a bad network does to bytes ends no run and changes no weight, encrypted or not",
        arguments: [false, true])
    func damage(isEncrypted: Bool) throws {
        let place = try Workplace(epochs: 60)
        let kinds = ["delay", "flip", "truncate", "duplicate", "replay", "reorder"]
        let (ending, orphans) = try chaos(
            place,
            [
                "--faults", kinds.joined(separator: ","), "--count", "6", "--seed", "4", "--shards", "4", "--transport",
                "inline", "--json",
            ] + (isEncrypted ? ["--encrypted"] : []))
        #expect(ending.status == 0, "\(ending)")
        #expect(orphans.isEmpty)
        let run = try #require(try document(ending).result.runs.first)
        #expect(run.injected == Dictionary(uniqueKeysWithValues: kinds.map { ($0, 1) }), "\(ending)")
        #expect(run.isEqual && run.problems.isEmpty, "\(ending)")
    }

    @Test("A series reports each run and a summary, and a run can be repeated by its seed")
    func series() throws {
        // Long enough for a worker to be killed before the last step.
        let place = try Workplace(epochs: 40)
        let (ending, orphans) = try chaos(
            place, ["--faults", "kill", "--count", "1:2", "--runs", "2", "--seed", "5", "--shards", "4"])
        #expect(ending.status == 0, "\(ending)")
        #expect(orphans.isEmpty)
        #expect(ending.output.contains("the same in 2 of 2 runs"), "\(ending)")
        #expect(ending.output.contains("Shards reassigned: "))
        for run in 1...2 {
            let log = try text(of: place.folder("chaos/run-\(run)-logs/coordinator.log"))
            #expect(log.contains("was lost"), "\(log)")
        }
    }

    @Test("Weights that differ from those of the undisturbed run end with status 70")
    func different() throws {
        // Long enough for the fourth worker to join before the last step.
        let place = try Workplace(epochs: 500)
        // The fourth worker, which joins late, sends a wrong bit in every gradient.
        let (ending, orphans) = try chaos(
            place, ["--faults", "join", "--count", "1", "--shards", "4"], fault: "flip#3")
        #expect(ending.status == 70, "\(ending)")
        #expect(ending.output.contains("the same in 0 of 1 runs"), "\(ending)")
        #expect(ending.errorLines.last?.contains("1 of 1 runs ended with other weights") == true, "\(ending)")
        #expect(orphans.isEmpty)
    }

    @Test("Invalid options are rejected before any process starts")
    func usage() throws {
        let place = try Workplace()
        for options in [
            ["--count", "0"], ["--count", "5:1"], ["--runs", "0"], ["--workers", "0"], ["--faults", "flood"],
            ["--workers", "1"],
        ] {
            let ending = try Program.run(["chaos", place.configuration] + options, in: place.folder.path)
            #expect(ending.status == 64, "\(ending)")
        }
        #expect(try Program.run(["chaos", "nowhere.yaml"], in: place.folder.path).status == 66)
    }
}
