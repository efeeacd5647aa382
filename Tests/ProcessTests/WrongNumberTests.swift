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

    @Test("A worker that writes random bytes into its mailbox leaves, and the weights are right")
    func randomMail() throws {
        let faulty = try run("mailbox@30#1", on: ["--workers", "3", "--transport", "shared", "--max-restarts", "0"])
        #expect(faulty.errors.contains("it broke the protocol"), "\(faulty.errors)")
        #expect(faulty.summary.workersLost > 0 && (faulty.summary.stepsRepeated ?? 0) == 0)
    }

    @Test(
        "A worker that writes random bytes or valid records into its mailbox without end costs the run no step",
        arguments: ["mailbox", "records"])
    func mailWithoutEnd(kind: String) throws {
        // LOCKSTEP_DEEP_MAIL: about the seconds that the run takes; 60 in scripts/check-deep.
        let seconds = Foreign.number("LOCKSTEP_DEEP_MAIL") ?? 1
        let faulty = try run(
            "\(kind)=\(min(500, 20 * seconds))@30#1", ["--epochs", "\(50 * seconds)"],
            on: ["--workers", "3", "--transport", "shared", "--max-restarts", "1000"])
        #expect((faulty.summary.stepsRepeated ?? 0) == 0 && faulty.summary.rewinds == 0, "\(faulty.errors)")
        if kind == "records" { #expect(faulty.summary.workersLost == 0, "\(faulty.errors)") }
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
        "A worker whose copy of the data set changes is found before a state is saved, and the run goes back",
        arguments: ["0", "0.001"])
    func ownData(checkpoints: String) throws {
        let faulty = try run(
            "own-data@30#1", ["--set", "checkpoint.every=\(checkpoints)"],
            on: ["--workers", "3", "--transport", "inline", "--max-restarts", "0"])
        try expectOneRewind(faulty)
        if checkpoints == "0" { #expect(faulty.errors.contains("the run is repeated from its beginning")) }
    }

    @Test("A worker that finds by itself that its copy of the data set has changed leaves, and the run goes back")
    func ownDataFoundByWorker() throws {
        let faulty = try run(
            "own-data=20@30#1", ["--set", "checkpoint.every=0"],
            on: ["--workers", "3", "--transport", "inline", "--max-restarts", "0"])
        try expectOneRewind(faulty)
        #expect(faulty.errors.contains(try Regex(#"step [0-9]+: the data set changed in the memory of worker"#)))
        #expect(faulty.summary.stepsRepeated ?? 0 >= 51)
    }

    private func expectOneRewind(_ faulty: Faulty) throws {
        let (summary, errors) = (faulty.summary, faulty.errors)
        #expect(summary.rewinds == 1 && summary.quarantined == 0 && summary.workersLost == 0, "\(errors)")
        #expect((1...151).contains(summary.stepsRepeated ?? 0), "\(summary.stepsRepeated ?? -1)")
        let pattern = try Regex(
            #"the data set changed in the memory of worker [0-9] \(\S+, pid [0-9]+\), which has left; .*; 2 workers"#)
        #expect(errors.contains(pattern), "\(errors)")
        #expect(errors.contains("check that host's memory and processor"))
        let log = try String(contentsOfFile: "\(faulty.output)/worker-1.log", encoding: .utf8)
        #expect(log.contains("the data set has changed in this process's memory"), "\(log)")
    }

    @Test("A worker of another terminal whose copy changes ends with 69, and the run goes on with the other one")
    func ownDataOfRemoteWorker() throws {
        let place = try Workplace(epochs: 3)
        let honest = try place.weights(["--shards", "4"])
        let coordinator = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", "tcp://127.0.0.1:0", "--workers", "2", "--shards", "4",
                "--transport", "inline", "--output", place.folder("run"),
            ], in: place.folder.path)
        let endpoint = try coordinator.listeningEndpoint()
        let workers = try ["own-data@30", "slow=1"].map { (fault: String) in
            try RunningProcess(
                ["worker", "--connect", endpoint],
                environment: ["LOCKSTEP_FAULT": fault, "LOCKSTEP_CACHE": place.folder("cache-\(fault)")],
                in: place.folder.path)
        }
        let ending = try coordinator.wait()
        #expect(ending.status == 0, "\(ending)")
        let summary = try RunSummary(run: place.folder("run"))
        #expect(summary.weightsSHA256 == honest && summary.rewinds == 1, "\(ending)")
        let faulty = try workers[0].wait()
        #expect(faulty.status == 69 && faulty.errors.contains("the data set has changed"), "\(faulty)")
        #expect(try workers[1].wait().status == 0)
    }

    @Test("Where the copy of each new process changes too, its host is excluded and the run ends with the cause")
    func hopelessData() throws {
        let place = try Workplace(epochs: 3)
        let run = try RunningProcess(
            [
                "train", "tiny.yaml", "--output", place.output(), "--workers", "1", "--transport", "inline", "--set",
                "checkpoint.every=0.001",
            ], environment: ["LOCKSTEP_FAULT": "own-data@30"], in: place.folder.path)
        let ending = try run.wait()
        #expect(ending.status == 69 && run.orphans().isEmpty, "\(ending)")
        #expect(ending.errorLines.count { $0.contains("which has left") } == 3, "\(ending)")
        #expect(ending.errors.contains("(replacement 2 of at most 10)"), "\(ending)")
        #expect(ending.errors.contains("other workers of its host are refused from now on"), "\(ending)")
        let pattern = try Regex(#"first cause: .* the data set changed in the memory of worker [0-9]"#)
        #expect(ending.errors.contains(pattern), "\(ending)")
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
