import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// How a worker that is started by hand, or by another program, finds its coordinator and gets its keys.
@Suite("A worker's way to its coordinator", .serialized, .oneAtATime)
struct WorkerConnectionTests {
    private let place: Workplace

    init() throws {
        place = try Workplace(epochs: 2)
    }

    /// Starts a coordinator on any free port of loopback; returns its endpoint too.
    private func coordinator(_ options: String...) throws -> (RunningProcess, endpoint: String) {
        let process = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", "tcp://127.0.0.1:0", "--shards", "2", "--output",
                place.folder("run"),
            ] + options, in: place.folder.path)
        return (process, try process.listeningEndpoint())
    }

    private func expectSuccess(_ processes: RunningProcess...) throws {
        for process in processes {
            let ending = try process.wait()
            #expect(ending.status == 0, "\(ending)")
        }
    }

    /// A port of loopback at which nothing listens.
    private func freePort() throws -> UInt16 {
        let listener = try PortHolder(listens: false)
        return listener.port
    }

    @Test("Of several endpoints it takes the one that answers: not where nothing, or another program, listens")
    func several() throws {
        let (run, endpoint) = try coordinator("--workers", "1")
        let other = try PortHolder(listens: true)
        let list =
            "tcp://127.0.0.1:\(try freePort()),tcp://127.0.0.1:\(other.port),ipc:///tmp/none-\(UUID()),\(endpoint)"
        let worker = try RunningProcess(["worker", "--connect", list], in: place.folder.path)
        try expectSuccess(run, worker)
        #expect(worker.errors.hasPrefix("Connecting to tcp://127.0.0.1:"))
        #expect(!run.errors.contains("rejected a connection"), "\(run.errors)")
    }

    @Test("With keys, a coordinator with other keys is not taken for the worker's own")
    func otherKeys() throws {
        for folder in ["keys", "others"] { try Program.run(["keygen", place.folder(folder)]) }
        let (run, endpoint) = try coordinator("--workers", "1", "--keys", place.folder("keys"))
        let foreign = try RunningProcess(
            [
                "coordinator", place.configuration, "--bind", "tcp://127.0.0.1:0", "--workers", "1", "--output",
                place.folder("other-run"), "--keys", place.folder("others"),
            ], in: place.folder.path)
        let wrong = try foreign.listeningEndpoint()
        let worker = try RunningProcess(
            ["worker", "--connect", "\(wrong),\(endpoint)"], environment: ["LOCKSTEP_KEYS": place.folder("keys")],
            in: place.folder.path)
        try expectSuccess(run, worker)
        // Where all are wrong, the last line says so.
        let local = wrong.replacing("127.0.0.1", with: "localhost")
        let lost = try Program.run(
            ["worker", "--connect", "\(wrong),\(local)", "--keys", "keys", "--wait", "3"], in: place.folder.path)
        #expect(lost.status == 69, "\(lost)")
        #expect(lost.errorLines.last?.contains("is our coordinator.public its key?") == true, "\(lost)")
        // A coordinator that does not know the worker's key says so.
        try FileManager.default.removeItem(atPath: place.folder("keys/coordinator.public"))
        try place.folder.write(
            text: text(of: place.folder("others/coordinator.public")), to: "keys/coordinator.public")
        let rejected = try Program.run(
            ["worker", "--connect", "\(wrong),ipc:///dev/null", "--keys", "keys"], in: place.folder.path)
        #expect(rejected.status == 77 && rejected.errors.contains("rejected our key"), "\(rejected)")
    }

    @Test(
        "It reads the endpoints from the run directory, and waits for the file; the coordinator removes it at the end")
    func file() throws {
        let worker = try RunningProcess(
            ["worker"], environment: ["LOCKSTEP_CONNECT": "file:\(place.folder("run/endpoint"))"],
            in: place.folder.path)
        try worker.waitForLine(containing: "Connecting to file:")
        let (run, endpoint) = try coordinator("--workers", "1:2", "--epochs", "200")
        try run.waitForLine(containing: "To start a worker: lockstep worker --connect \(endpoint)")
        try run.waitForLine(containing: "joined; 1 worker")
        #expect(try text(of: place.folder("run/endpoint")) == "\(endpoint)\n")
        try expectSuccess(run, worker)
        #expect(access(place.folder("run/endpoint"), F_OK) != 0)
    }

    @Test("A worker that read the endpoint from a file follows a coordinator that comes back at another port")
    func moved() throws {
        let (first, _) = try coordinator("--workers", "1", "--epochs", "2000", "--set", "checkpoint.every=0.05")
        let worker = try RunningProcess(
            ["worker", "--connect", "file:\(place.folder("run/endpoint"))"], in: place.folder.path)
        try first.waitForLine(containing: "Epoch 1:")
        try first.wait(until: "there is a checkpoint") {
            try RunDirectory(existing: place.folder("run")).checkpoints.steps().first ?? 0 > 0
        }
        first.send(signal: SIGKILL)
        try first.wait()
        let (second, _) = try coordinator("--workers", "1", "--epochs", "2000", "--resume=auto")
        try expectSuccess(second, worker)
        #expect(second.errors.contains("Resuming "))
    }

    @Test("While it waits it says why, and at the end that no coordinator came")
    func waits() throws {
        let port = try freePort()
        let worker = try RunningProcess(
            ["worker", "--connect", "tcp://127.0.0.1:\(port),tcp://nowhere.invalid:1", "--wait", "11"],
            in: place.folder.path)
        try worker.waitForLine(containing: "waiting up to 11 s")
        let line = try worker.waitForLine(containing: "Still waiting for the coordinator: ")
        #expect(line.contains("tcp://127.0.0.1:\(port): connection refused: nothing listens there"), "\(line)")
        #expect(line.contains("the name nowhere.invalid cannot be resolved"), "\(line)")
        let ending = try worker.wait()
        #expect(ending.status == 69, "\(ending)")
        #expect(ending.errorLines.last?.contains("no coordinator answered at ") == true, "\(ending)")
        #expect(ending.errorLines.last?.contains("within 11 s") == true, "\(ending)")
    }

    @Test("A single endpoint is waited for as long as asked", arguments: ["1", "0.5"])
    func waitsShortly(seconds: String) throws {
        let ending = try Program.run(
            ["worker", "--connect", "tcp://127.0.0.1:\(try freePort())", "--wait", seconds], in: place.folder.path)
        #expect(ending.status == 69, "\(ending)")
    }

    // MARK: - Keys on standard input

    /// A shell that gives a worker a line on its standard input and holds the input open for some seconds.
    private func worker(_ line: String, _ options: [String], holding seconds: Int = 600) throws -> RunningProcess {
        try RunningProcess(
            [
                "-c", "line=$1; shift; (echo \"$line\"; exec sleep \(seconds)) | exec \"$@\"", "sh", line,
                try Program.path, "worker",
            ] + options, executable: "/bin/sh", in: place.folder.path)
    }

    /// The line that belongs to a folder of keys.
    private func keyLine() throws -> String {
        let keys = try ["coordinator.public", "worker.public", "worker.secret"].map { name in
            try text(of: place.folder("keys/\(name)")).split(separator: "\n").last.map(String.init) ?? ""
        }
        return "lockstep-keys " + keys.joined(separator: " ").replacing(" worker", with: "")
    }

    @Test("Keys come on standard input, for several processes too, whose lines carry their numbers", arguments: [1, 2])
    func keysOnStandardInput(processes: Int) throws {
        try Program.run(["keygen", place.folder("keys")])
        let (run, endpoint) = try coordinator("--workers", "\(processes)", "--keys", "keys")
        let group = try worker(
            try keyLine(), ["--connect", endpoint, "--keys", "-", "--processes", "\(processes)"], holding: 2)
        try expectSuccess(run, group)
        #expect(group.errors.contains(processes == 1 ? "\nJoined the run" : "\n[1] Joined the run"), "\(group.errors)")
        #expect(try RunSummary(run: place.folder("run")).workersJoined == processes)
        #expect(group.orphans().isEmpty)
    }

    @Test("The end of standard input ends the worker and all its processes", arguments: [1, 3])
    func endOfStandardInput(processes: Int) throws {
        let (run, endpoint) = try coordinator("--workers", "1:3", "--epochs", "1000000")
        let group = try worker(
            "lockstep-keys none", ["--connect", endpoint, "--keys", "-", "--processes", "\(processes)"])
        try run.waitForLine(containing: "joined; \(processes) worker")
        let holder = try #require(
            group.descendants.first { ProcessTable.arguments(of: $0).first == "sleep" })
        kill(holder, SIGKILL)
        let ending = try group.wait()
        #expect(ending.status == 1 && ending.errors.contains("Standard input has ended"), "\(ending)")
        #expect(group.orphans().isEmpty)
    }

    @Test("Without a line with keys it ends with the status for keys", arguments: ["Welcome to this host", ""])
    func noKeys(line: String) throws {
        let ending = try worker(line, ["--connect", "tcp://127.0.0.1:1", "--keys", "-"], holding: 0).wait()
        #expect(ending.status == 77 && ending.errors.contains("--keys -: "), "\(ending)")
    }

    @Test("--processes auto starts one process for each core that it may use")
    func processes() throws {
        let (run, endpoint) = try coordinator("--workers", "1")
        let worker = try RunningProcess(
            ["--cpu-list", "0", try Program.path, "worker", "--connect", endpoint, "--processes", "auto"],
            executable: "/usr/bin/taskset", in: place.folder.path)
        try expectSuccess(run, worker)
        #expect(try RunSummary(run: place.folder("run")).workersJoined == 1)
    }

    // MARK: - Going on if there is something to go on with

    @Test("--resume=auto begins a run, goes on with it, and has nothing to do once it is finished")
    func resumeAuto() throws {
        let options = ["train", place.configuration, "--resume=auto", "--output", place.folder("job"), "--shards", "2"]
        let hash = try place.weights(["--shards", "2", "--epochs", "4"])
        let first = try Program.run(options, in: place.folder.path)
        #expect(first.status == 0 && !first.errors.contains("Resuming "), "\(first)")
        let second = try Program.run(options + ["--epochs", "4"], in: place.folder.path)
        #expect(second.status == 0 && second.errors.contains("Resuming "), "\(second)")
        #expect(try RunSummary(run: place.folder("job")).weightsSHA256 == hash)
        let third = try Program.run(options + ["--epochs", "4"], in: place.folder.path)
        #expect(third.status == 0, "\(third)")
        // Without --output: the newest run of this name.
        for expected in [false, true] {
            let run = try Program.run(["train", place.configuration, "--resume=auto"], in: place.folder.path)
            #expect(run.status == 0 && run.errors.contains("Resuming ") == expected, "\(run)")
        }
    }
}

/// A port of loopback that another program has: it accepts connections and says nothing, or has only the port.
private final class PortHolder {
    let port: UInt16
    private let descriptor: Int32

    init(listens: Bool) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = try withUnsafeMutablePointer(to: &address) { [descriptor] pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try #require(bind(descriptor, pointer, size) == 0)
                try #require(getsockname(descriptor, pointer, &size) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        if listens { try #require(listen(descriptor, 8) == 0) }
    }

    deinit { close(descriptor) }
}
