import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// Workers that answer numbers that are not finite, and memory that changes: the run names them and goes on to the hash of
/// an undisturbed run.
@Suite("Wrong numbers", .serialized, .oneAtATime)
struct WrongNumberTests {
    /// A run of which a fault was injected.
    private struct Faulty {
        let place: Workplace
        let output: String
        let errors: String
        let summary: RunSummary
    }

    private static let momentum = ["--set", "optimizer.sgd.momentum=0.5"]

    /// Runs with a fault and without, and compares the hashes.
    private func run(_ fault: String, _ options: [String] = [], on workers: [String]) throws -> Faulty {
        let place = try Workplace(epochs: 3)
        let honest = try place.weights(["--shards", "4"] + options)
        let output = place.output()
        let run = try RunningProcess(
            ["train", "tiny.yaml", "--shards", "4", "--output", output] + options + workers,
            environment: ["LOCKSTEP_FAULT": fault], in: place.folder.path)
        let ending = try run.wait()
        try #require(ending.status == 0, "\(ending)")
        #expect(run.orphans().isEmpty)
        let summary = try RunSummary(run: output)
        #expect(summary.weightsSHA256 == honest, "\(ending)")
        return Faulty(place: place, output: output, errors: ending.errors, summary: summary)
    }

    @Test(
        "A worker that answers what is not finite is named with the node and excluded, and the weights are right",
        arguments: ["nan", "inf", "loss"], ["shared", "inline"])
    func notFinite(kind: String, transport: String) throws {
        let faulty = try run("\(kind)@30#1", on: ["--workers", "3", "--transport", transport])
        // Of gradients in messages, several may have been added up and not kept: then an audit of the next steps names it.
        let pattern = try Regex(
            #"step 30: the (loss|gradient) of node [0-9]+, computed by worker [0-9]+ \(\S+, pid [0-9]+\), is wrong; "#
                + "the step is repeated" + (transport == "inline" ? "|and this process computes finite numbers" : ""))
        #expect(faulty.errors.contains(pattern), "\(faulty.errors)")
        #expect(faulty.errors.contains("computed a wrong result for node"))
        let summary = faulty.summary
        #expect(
            summary.quarantined == 1 && summary.stepsRepeated == 1 && summary.rewinds == 0,
            "\(summary.quarantined ?? -1) \(summary.stepsRepeated ?? -1) \(summary.rewinds ?? -1)\n\(faulty.errors)")
        #expect(faulty.summary.workersLost == 0)
    }

    @Test("Where the optimizer's memory has taken the numbers in, the run goes back to a checkpoint")
    func rewound() throws {
        for (checkpoints, transport) in [("0", "shared"), ("0.001", "inline")] {
            let faulty = try run(
                "nan@70#1", ["--set", "checkpoint.every=\(checkpoints)"] + Self.momentum,
                on: ["--workers", "3", "--transport", transport])
            #expect(faulty.summary.quarantined == 1 && faulty.summary.rewinds == 1, "\(faulty.errors)")
            #expect((1...71).contains(faulty.summary.stepsRepeated ?? 0))
            if checkpoints == "0" {
                #expect(faulty.errors.contains("the run is repeated from its beginning"))
                #expect(faulty.summary.stepsRepeated == 71)
            }
        }
    }

    @Test("A finite number that ruins the steps after it is found by repeating them with an audit")
    func huge() throws {
        let network = ["--set", "network.activation=relu", "--set", "cost=cross-entropy"]
        let faulty = try run("huge@60#2", network, on: ["--workers", "3"])
        #expect(faulty.summary.quarantined == 1 && faulty.summary.rewinds == 1, "\(faulty.errors)")
    }

    @Test("The only worker is replaced by another process once its result was wrong, and the run goes on")
    func only() throws {
        // The next step is the last, which the coordinator computes; the new process scores the last epoch.
        let faulty = try run("flip@148#0", on: ["--workers", "1", "--audit", "1"])
        #expect(faulty.errors.contains("worker process 0 has ended; another one starts"), "\(faulty.errors)")
        let summary = faulty.summary
        #expect(
            summary.quarantined == 1 && summary.restarts == 1 && summary.workersJoined == 2, "\(faulty.errors)")
    }

    @Test("Where each new process computes wrong results too, the run ends with a wrong result as the cause")
    func hopeless() throws {
        let place = try Workplace(epochs: 3)
        let run = try RunningProcess(
            [
                "train", "tiny.yaml", "--output", place.output(), "--workers", "1", "--audit", "1", "--max-restarts",
                "2",
            ],
            environment: ["LOCKSTEP_FAULT": "flip@60"], in: place.folder.path)
        let ending = try run.wait()
        #expect(ending.status == 69 && run.orphans().isEmpty, "\(ending)")
        #expect(ending.errors.contains("(replacement 2 of at most 2)"), "\(ending)")
        let pattern = try Regex(#"first cause: .* worker [0-9] \(\S+, pid [0-9]+\) computed a wrong result"#)
        #expect(ending.errors.contains(pattern), "\(ending)")
    }

    @Test("A worker whose score is not finite is excluded, and its block computed by the coordinator")
    func score() throws {
        let faulty = try run("score@0#1", on: ["--workers", "2"])
        #expect(faulty.summary.quarantined == 1 && faulty.summary.stepsRepeated == 0, "\(faulty.errors)")
        #expect(faulty.summary.epochs.allSatisfy { $0.cost != nil })
    }

    @Test(
        "A bit that flips in the coordinator's memory leads back to a checkpoint",
        arguments: ["weights", "optimizer", "data"],
        [[], ["--workers", "3"], ["--workers", "3", "--transport", "inline"]])
    func flip(part: String, workers: [String]) throws {
        let faulty = try run("\(part)@70", Self.momentum + ["--set", "checkpoint.every=0.001"], on: workers)
        #expect(faulty.summary.rewinds == 1 && faulty.summary.quarantined == 0, "\(faulty.errors)")
        let name =
            ["weights": "the weights", "optimizer": "the optimizer's memory", "data": "the data set"][part] ?? ""
        #expect(faulty.errors.contains("\(name) changed in this process's memory"))
        // Repeated steps are recorded once.
        let metrics = try String(contentsOfFile: "\(faulty.output)/metrics.jsonl", encoding: .utf8)
        let epochs = metrics.split(separator: "\n").filter { $0.contains(#""type":"epoch""#) }
        #expect(epochs.count == faulty.summary.epochs.count, "\(metrics)")
    }
}
