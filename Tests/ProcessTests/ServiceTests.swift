import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// What a service manager such as systemd sees of coordinators and workers.
@Suite("Services", .serialized, .oneAtATime)
struct ServiceTests {
    /// The environment that a service manager with a watchdog gives a service.
    private func environment(_ socket: NotificationSocket, watchdogSeconds: Double? = nil) -> [String: String?] {
        ["NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": watchdogSeconds.map { "\(Int($0 * 1e6))" }]
    }

    @Test("A coordinator and its worker report their start, their progress and their end, and ping the watchdog")
    func notifications() throws {
        let place = try Workplace(epochs: 1_000_000)
        let (lead, follower) = (
            try NotificationSocket(place.folder("lead")), try NotificationSocket(place.folder("follower"))
        )
        let coordinator = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", "tcp://127.0.0.1:0", "--workers", "1", "--output",
                place.folder("run"),
            ], environment: environment(lead, watchdogSeconds: 0.2), in: place.folder.path)
        let address = try coordinator.listeningEndpoint()
        let ready = lead.receive(waitingMilliseconds: 60_000)
        #expect(ready == "READY=1\nSTATUS=Listening on \(address), waiting for 1 worker")
        // It waits for its worker, and is alive.
        #expect(lead.receive(waitingMilliseconds: 60_000) == "WATCHDOG=1")
        let worker = try RunningProcess(
            ["worker", "--connect", address], environment: environment(follower, watchdogSeconds: 0.2),
            in: place.folder.path)
        #expect(
            follower.receive(waitingMilliseconds: 60_000)
                == "READY=1\nSTATUS=Waiting for the coordinator at \(address)")
        var lines: [String] = []
        while lines.count(where: { $0.contains("STATUS=Epoch ") }) < 2 {
            lines.append(try #require(lead.receive(waitingMilliseconds: 60_000)))
        }
        #expect(lines.contains("WATCHDOG=1"))
        #expect(!lines.contains { $0.contains("READY=1") || $0.contains("STOPPING") }, "\(lines)")
        // The queue of a socket is short, and what finds no room is lost.
        var reports = follower.receiveAll()
        _ = lead.receiveAll()
        coordinator.send(signal: SIGTERM)
        #expect(try coordinator.wait().status == 143)
        #expect(try worker.wait().status == 0)
        let last = lead.receiveAll().last { $0 != "WATCHDOG=1" }
        #expect(last?.hasPrefix("STOPPING=1\nSTATUS=Told to stop after ") == true, "\(last ?? "")")
        reports += follower.receiveAll()
        #expect(reports.contains("WATCHDOG=1") && reports.contains { $0.hasPrefix("STATUS=Joined the run as") })
        #expect(reports.last == "STOPPING=1\nSTATUS=Done")
    }

    @Test("A coordinator that is stopped pings no more, and a run in one process pings too")
    func watchdog() throws {
        let place = try Workplace(epochs: 1_000_000)
        let socket = try NotificationSocket(place.folder("notify"))
        let run = try RunningProcess(
            ["train", place.configuration, "--output", place.folder("run")],
            environment: environment(socket, watchdogSeconds: 0.1), in: place.folder.path)
        for _ in 0..<3 {
            var text = try #require(socket.receive(waitingMilliseconds: 60_000))
            while text != "WATCHDOG=1" { text = try #require(socket.receive(waitingMilliseconds: 60_000)) }
        }
        run.send(signal: SIGSTOP)
        _ = socket.receiveAll()
        #expect(socket.receive(waitingMilliseconds: 500) == nil)
        run.send(signal: SIGCONT)
        run.send(signal: SIGTERM)
        #expect(try run.wait().status == 143)
    }

    @Test("The error that ends a service is its last status")
    func failure() throws {
        let place = try Workplace()
        let socket = try NotificationSocket(place.folder("notify"))
        let run = try RunningProcess(
            ["train", place.folder("none.yaml")], environment: environment(socket), in: place.folder.path)
        #expect(try run.wait().status == 66)
        #expect(socket.receive()?.hasPrefix("STOPPING=1\nSTATUS=") == true)
    }

    @Test("A worker that is started again whenever it ends serves three runs, one after another")
    func standingWorker() throws {
        let place = try Workplace()
        let expected = try (1...3).map { try place.weights(["--seed", "\($0)", "--shards", "2"]) }
        let endpoint = "ipc://\(place.folder("s"))"
        // What Restart=always does.
        let standing = try RunningProcess(
            [
                "-c", "trap 'kill $!; wait; exit' TERM; while :; do \"$0\" worker --connect \"$1\" & wait $!; done",
                try Program.path, endpoint,
            ], executable: "/bin/bash", in: place.folder.path)
        for seed in 1...3 {
            let output = place.output()
            let coordinator = try RunningProcess(
                [
                    "coordinator", place.configuration, "--seed", "\(seed)", "--shards", "2", "--workers", "1",
                    "--bind", endpoint, "--output", output,
                ], in: place.folder.path)
            let ending = try coordinator.wait()
            #expect(ending.status == 0, "\(ending) \(standing.errors)")
            #expect(try RunSummary(run: output).weightsSHA256 == expected[seed - 1])
        }
        standing.send(signal: SIGTERM)
        try standing.wait()
        #expect(standing.orphans().isEmpty)
    }
}
