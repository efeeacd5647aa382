import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Workers that have several processes of their host compute for them.
@Suite("Aggregators", .serialized, .oneAtATime)
struct AggregatorTests {
    /// A run over TCP, whose workers take a few milliseconds for each node.
    private struct Run {
        let place: Workplace
        let output: String
        let coordinator: RunningProcess
        let endpoint: String

        init(_ place: Workplace, _ options: [String], bind: String = "tcp://127.0.0.1:0") throws {
            self.place = place
            output = place.output()
            coordinator = try RunningProcess(
                ["coordinator", place.configuration, "--bind", bind, "--output", output] + options,
                in: place.folder.path)
            endpoint = try coordinator.listeningEndpoint()
        }

        func worker(_ processes: Int, fault: String? = "slow=2", _ options: String...) throws -> RunningProcess {
            try RunningProcess(
                ["worker", "--connect", endpoint, "--processes", "\(processes)"] + options,
                environment: ["LOCKSTEP_FAULT": fault, "LOCKSTEP_CACHE": place.folder("cache-\(processes)")],
                in: place.folder.path)
        }

        /// Waits for the end of the run and of its workers, which leave no process behind.
        func finish(_ workers: [RunningProcess]) throws -> RunSummary {
            let ending = try coordinator.wait()
            #expect(ending.status == 0, "\(ending)")
            for worker in workers {
                let ending = try worker.wait()
                #expect(ending.status == 0, "\(ending)")
                #expect(worker.orphans().isEmpty)
            }
            return try RunSummary(run: output)
        }
    }

    @Test(
        "Two hosts of two processes, and a host of three beside a lone worker, give the weights of one process",
        arguments: ["float32", "bfloat16"])
    func equality(dataType: String) throws {
        let place = try Workplace()
        let options = ["--shards", "5", "--set", "communication-dtype=\(dataType)"]
        let alone = try place.weights(options)
        for hosts in [[2, 2], [1, 3]] {
            let run = try Run(place, options + ["--workers", "4"])
            let workers = try hosts.map { try run.worker($0, fault: nil) }
            let summary = try run.finish(workers)
            #expect(summary.weightsSHA256 == alone, "\(hosts)")
            #expect(summary.workers == 4 && summary.workersJoined == 4 && summary.workersLost == 0, "\(hosts)")
        }
    }

    @Test("A process of a host that is killed costs the run nothing: another one has its part, and it is replaced")
    func killedProcess() throws {
        let place = try Workplace(epochs: 3)
        let alone = try place.weights(["--shards", "4"])
        let run = try Run(place, ["--shards", "4", "--workers", "3"])
        let (lone, host) = (try run.worker(1), try run.worker(2))
        try run.coordinator.waitForLine(containing: "Epoch 0:")
        let victim = try #require(host.workers.first { $0 != host.processID })
        kill(victim, SIGKILL)
        try host.waitForLine(containing: "another one starts in")
        let summary = try run.finish([lone, host])
        #expect(summary.weightsSHA256 == alone && summary.workersLost == 0 && summary.workersJoined == 3)
    }

    @Test("A process of a host that hangs keeps its part from no step, and its host stays")
    func hungProcess() throws {
        let place = try Workplace(epochs: 2)
        let alone = try place.weights(["--shards", "4"])
        let run = try Run(place, ["--shards", "4", "--workers", "4"])
        let hosts = [try run.worker(2, fault: nil), try run.worker(2, fault: "hang@5#1")]
        let summary = try run.finish(hosts)
        #expect(summary.weightsSHA256 == alone && summary.workersLost == 0)
    }

    @Test(
        "A host that is killed is a lost worker; one that is told to stop says goodbye, and one that comes late joins")
    func hosts() throws {
        let place = try Workplace(epochs: 4)
        let alone = try place.weights(["--shards", "6"])
        let run = try Run(place, ["--shards", "6", "--workers", "4:8"])
        let hosts = try [run.worker(2), run.worker(2)]
        try run.coordinator.waitForLine(containing: "Epoch 0:")
        let late = try run.worker(3)
        try run.coordinator.waitForLine(containing: "3 processes) joined; 7 workers")
        hosts[0].send(signal: SIGKILL)
        try run.coordinator.waitForLine(containing: "2 processes) was lost")
        hosts[1].send(signal: SIGTERM)
        let stopped = try hosts[1].wait()
        #expect(stopped.status == 143, "\(stopped)")
        try run.coordinator.waitForLine(containing: "left: asked to stop; 3 workers")
        let summary = try run.finish([late])
        #expect(summary.weightsSHA256 == alone && summary.workersLost == 2 && summary.workersJoined == 7)
        try hosts[0].wait(until: "its processes have ended") { hosts[0].orphans().isEmpty }
        #expect(hosts[1].orphans().isEmpty)
    }

    @Test("A host joins a coordinator that was killed and resumed, with the same processes")
    func resumed() throws {
        let place = try Workplace(epochs: 3)
        let alone = try place.weights(["--shards", "4"])
        let first = try Run(place, ["--shards", "4", "--workers", "2", "--set", "checkpoint.every=0.05"])
        let host = try first.worker(2)
        try first.coordinator.waitForLine(containing: "Epoch 0:")
        let processes = host.workers
        first.coordinator.send(signal: SIGKILL)
        #expect(try first.coordinator.wait().signal == SIGKILL)
        try host.waitForLine(containing: "Lost the coordinator")
        let second = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", first.endpoint, "--output", first.output, "--workers",
                "2",
                "--resume", "--set", "checkpoint.every=0.05",
            ], in: place.folder.path)
        try second.waitForLine(containing: "2 processes) joined")
        #expect(host.workers == processes)
        let ending = try second.wait()
        #expect(ending.status == 0, "\(ending)")
        #expect(try host.wait().status == 0)
        #expect(try RunSummary(run: first.output).weightsSHA256 == alone)
    }

    @Test("An audit finds which process of a host computes wrong numbers; its host stays and answers right")
    func audit() throws {
        let place = try Workplace()
        let alone = try place.weights(["--shards", "4"])
        let run = try Run(place, ["--shards", "4", "--workers", "4", "--audit", "1"])
        let hosts = [try run.worker(2, fault: "flip#1"), try run.worker(2, fault: nil)]
        let summary = try run.finish(hosts)
        #expect(summary.weightsSHA256 == alone && summary.workersLost == 0)
        #expect(hosts[0].errors.contains("computed a wrong result for node"), "\(hosts[0].errors)")
        #expect(!run.coordinator.errors.contains("computed a wrong result"), "\(run.coordinator.errors)")
    }
}
