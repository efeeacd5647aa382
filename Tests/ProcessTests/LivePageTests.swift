import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `--dashboard` of a real run.
@Suite("The live page of a run", .serialized, .oneAtATime)
struct LivePageTests {
    /// What the page's server answers.
    private func get(_ path: String, port: Substring) throws -> String {
        let request = "GET \(path) HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
        let script = "exec 3<>/dev/tcp/127.0.0.1/\(port); printf '\(request)' >&3; cat <&3"
        return try Program.run(["-c", script], executable: "/bin/bash").output
    }

    @Test("It shows the run and its workers while they train, and the weights are those of a run without it")
    func page() throws {
        let place = try Workplace(epochs: 2_000)
        let run = try RunningProcess(
            ["train", place.configuration, "--kernel", "portable", "--workers", "2", "--output", "run"]
                + ["--dashboard", "0", "--set", "evaluation.every=100"], in: place.folder.path)
        let line = try run.waitForLine(containing: "Dashboard: http://127.0.0.1:")
        let port = try #require(line.split(separator: ":").last?.dropLast())
        var metrics = ""
        try run.wait(until: "the page shows steps") {
            metrics = try get("/metrics", port: port)
            return metrics.contains("lockstep_steps_total")
        }
        #expect(metrics.contains("lockstep_members{run=\"tiny\"} 2.0"), "\(metrics)")
        #expect(metrics.contains("lockstep_worker_node_seconds{run=\"tiny\",worker=\"worker 1\""), "\(metrics)")
        #expect(try get("/", port: port).contains("<title>tiny - Lockstep</title>"))
        run.send(signal: SIGTERM)
        #expect(try run.wait().status == 143)
        let resumed = try Program.run(
            ["train", place.configuration, "--kernel", "portable", "--workers", "2", "--output", "run", "--resume"]
                + ["--set", "evaluation.every=100"], in: place.folder.path)
        #expect(resumed.status == 0, "\(resumed)")
        let alone = try place.train(["--kernel", "portable", "--shards", "2", "--set", "evaluation.every=100"])
        #expect(try RunSummary(run: place.folder("run")).weightsSHA256 == alone.weightsSHA256)
    }

    @Test("A port that is in use is one line, and no run directory is made")
    func inUse() throws {
        let place = try Workplace(epochs: 100_000)
        let first = try RunningProcess(
            ["train", place.configuration, "--output", "first", "--dashboard", "0"], in: place.folder.path)
        let line = try first.waitForLine(containing: "Dashboard: http://127.0.0.1:")
        let port = try #require(line.split(separator: ":").last?.dropLast())
        let second = try Program.run(
            ["train", place.configuration, "--output", "second", "--dashboard", String(port)], in: place.folder.path)
        #expect(second.status == 71, "\(second)")
        #expect(second.errorLines.contains { $0.contains("127.0.0.1:\(port): Address already in use") }, "\(second)")
        #expect(!FileManager.default.fileExists(atPath: place.folder("second")))
        first.send(signal: SIGKILL)
        try first.wait()
    }
}
