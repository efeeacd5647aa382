import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Coordinators and workers that are started by hand.
@Suite("Several terminals", .serialized, .oneAtATime)
struct SeveralTerminalsTests {
    enum Endpoint: CaseIterable {
        case tcp, ipc

        func text(in place: Workplace) -> String {
            switch self {
            case .tcp: "tcp://127.0.0.1:0"
            case .ipc: "ipc://\(place.folder("s"))"
            }
        }
    }

    @Test("A coordinator and two workers started by hand give the weights of one process", arguments: Endpoint.allCases)
    func byHand(_ endpoint: Endpoint) throws {
        let place = try Workplace()
        let alone = try place.weights(["--shards", "4"])
        let (coordinator, output, address) = try startCoordinator(
            place, bind: endpoint.text(in: place), ["--workers", "2", "--shards", "4"])
        // The workers' cache is empty, so the coordinator must send the data set.
        let cache = ["LOCKSTEP_CACHE": place.folder("cache")]
        let workers = try (0..<2).map { _ in
            try RunningProcess(["worker", "--connect", address], environment: cache, in: place.folder.path)
        }
        let result = try coordinator.wait()
        #expect(result.status == 0, "\(result)")
        for worker in workers {
            let result = try worker.wait()
            #expect(result.status == 0, "\(result)")
        }
        let summary = try RunSummary(run: output)
        #expect(summary.weightsSHA256 == alone)
        #expect(summary.workers == 2)
        #expect(summary.workersLost == 0)
    }

    @Test("Two processes of one worker command take part as two workers")
    func processes() throws {
        let place = try Workplace()
        let (coordinator, output, address) = try startCoordinator(
            place, bind: "tcp://127.0.0.1:0", ["--workers", "2", "--shards", "2"])
        let group = try RunningProcess(["worker", "--connect", address, "--processes", "2"], in: place.folder.path)
        #expect(try coordinator.wait().status == 0)
        #expect(try group.wait().status == 0)
        #expect(group.orphans().isEmpty)
        #expect(try RunSummary(run: output).workersJoined == 2)
    }

    @Test("A worker that joins late takes part, and the weights stay the same")
    func late() throws {
        let place = try Workplace(epochs: 200)
        let alone = try place.weights(["--shards", "2"])
        let (coordinator, output, address) = try startCoordinator(
            place, bind: "tcp://127.0.0.1:0", ["--workers", "1:2", "--shards", "2"])
        let first = try RunningProcess(["worker", "--connect", address], in: place.folder.path)
        try coordinator.waitForLine(containing: "Epoch 0:")
        let second = try RunningProcess(["worker", "--connect", address], in: place.folder.path)
        try coordinator.waitForLine(containing: "2 workers")
        #expect(try coordinator.wait().status == 0)
        #expect(try first.wait().status == 0)
        #expect(try second.wait().status == 0)
        let summary = try RunSummary(run: output)
        #expect(summary.workersJoined == 2)
        #expect(summary.weightsSHA256 == alone)
    }

    @Test("Workers started by hand wait for a lost coordinator and then end with their own status")
    func lostCoordinator() throws {
        let place = try Workplace(epochs: 1_000_000)
        let (coordinator, _, address) = try startCoordinator(
            place, bind: "tcp://127.0.0.1:0", ["--workers", "1", "--set", "timeouts.rejoin=1"])
        let worker = try RunningProcess(["worker", "--connect", address], in: place.folder.path)
        try coordinator.waitForLine(containing: "Epoch 0:")
        coordinator.send(signal: SIGKILL)
        #expect(try coordinator.wait().signal == SIGKILL)
        let result = try worker.wait()
        #expect(result.status == 69, "\(result)")
    }

    @Test("A worker that a resumed coordinator has back stays: it loses the coordinator once")
    func resumedCoordinator() throws {
        // The rest of the run takes longer than a worker waits for libzmq's report of an ended coordinator.
        let place = try Workplace(epochs: 60)
        let options = ["--workers", "1", "--shards", "1", "--set", "checkpoint.every=0.1"]
        let (first, output, address) = try startCoordinator(place, bind: Endpoint.ipc.text(in: place), options)
        let worker = try RunningProcess(
            ["worker", "--connect", address], environment: ["LOCKSTEP_FAULT": "slow=1"], in: place.folder.path)
        try first.waitForLine(containing: "Epoch 1:")
        first.send(signal: SIGKILL)
        #expect(try first.wait().signal == SIGKILL)
        let second = try RunningProcess(
            ["coordinator", place.configuration, "--bind", address, "--output", output, "--resume"] + options,
            in: place.folder.path)
        #expect(try second.wait().status == 0)
        let result = try worker.wait()
        #expect(result.status == 0, "\(result)")
        #expect(result.errors.ranges(of: "Lost the coordinator").count == 1, "\(result)")
        #expect(try RunSummary(run: output).weightsSHA256 == place.weights(["--shards", "1"]))
    }

    /// Starts a coordinator. Returns its run directory and its endpoint.
    private func startCoordinator(
        _ place: Workplace, bind: String, _ options: [String]
    ) throws -> (process: RunningProcess, output: String, address: String) {
        let output = place.output()
        let process = try RunningProcess(
            ["coordinator", place.configuration, "--bind", bind, "--output", output] + options, in: place.folder.path)
        return (process, output, try process.listeningEndpoint())
    }
}
