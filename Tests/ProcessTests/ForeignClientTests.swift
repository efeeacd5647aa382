import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import Testing

/// Clients that are none of ours, against live runs: Tests/Foreign/foreign.py, with pyzmq from PyPI.
@Suite(
    "Foreign clients", .serialized, .oneAtATime,
    .enabled(if: Foreign.python != nil, "LOCKSTEP_ORACLE_PYTHON is set by scripts/test"))
struct ForeignClientTests {
    /// A run of two epochs on a tiny data set, in a folder with two pairs of keys.
    private final class Site {
        let folder: TemporaryFolder
        let steps: Int

        init(epochs: Int = 40) throws {
            folder = try TemporaryFolder()
            let dataset = TinyDataset()
            try dataset.write(to: folder)
            try folder.write(text: dataset.configuration(epochs: epochs), to: "tiny.yaml")
            try Program.run(["keygen", folder("keys")], in: folder.path)
            steps = epochs * 50
        }

        /// The hash of the run without workers and without visitors.
        func undisturbed() throws -> String {
            let run = try Program.run(
                ["train", "tiny.yaml", "--shards", "2", "--output", "alone", "--kernel", "portable"], in: folder.path)
            #expect(run.status == 0, "\(run)")
            return try RunSummary(run: folder("alone")).weightsSHA256
        }

        /// A coordinator that waits for one worker, and where it listens.
        func coordinator(_ options: [String], openFiles: Int? = nil) throws -> (RunningProcess, [String]) {
            let process = try RunningProcess(
                ["coordinator", "tiny.yaml", "--shards", "2", "--output", "run", "--kernel", "portable"] + options,
                in: folder.path, openFiles: openFiles)
            let endpoints = try (1...(options.count(where: { $0 == "--bind" }))).map { number in
                let line = try process.waitForLine(containing: "Listening on ", count: number)
                return String(line.split(separator: " ").last ?? "")
            }
            return (process, endpoints)
        }

        func worker(_ endpoint: String, keys: String? = nil, fault: String? = nil) throws -> RunningProcess {
            try RunningProcess(
                ["worker", "--connect", endpoint] + (keys.map { ["--keys", $0] } ?? []),
                environment: ["LOCKSTEP_FAULT": fault], in: folder.path)
        }
    }

    @Test("Nobody without the right keys gets in, and a run under such visitors gives the undisturbed hash")
    func locked() throws {
        let site = try Site()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"])
        let keys = site.folder("keys")
        for attack in ["none", "unknown", "wrong-server", "plain"] {
            #expect(try Foreign.attack(attack, endpoints[0], keys) == 0, "\(attack)")
        }
        #expect(try Foreign.attack("none", endpoints[0], keys, count: 500) == 0)
        #expect(try Foreign.attack("raw", endpoints[0], keys, count: 500) == 0)
        #expect(try Foreign.attack("zmtp", endpoints[0], keys, count: 500) == 0)
        // The same client with the right keys is let in: the others were not just badly written.
        #expect(try Foreign.attack("good", endpoints[0], keys) > 0)
        let worker = try site.worker(endpoints[0], keys: "keys")
        #expect(try Foreign.attack("unknown", endpoints[0], keys, count: 100) == 0)
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(end.errors.contains("its key is not in allowed-workers"))
        #expect(end.errors.contains("it came without keys"))
        #expect(end.errorLines.count < 40, "a flood is no flood of lines: \(end)")
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersJoined == 1)
    }

    @Test("With an empty allow-list the good worker is refused, and both sides say so")
    func emptied() throws {
        let site = try Site()
        try site.folder.write(text: "# nobody\n", to: "keys/allowed-workers")
        chmod(site.folder("keys/allowed-workers"), 0o644)
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"])
        #expect(try Foreign.attack("good", endpoints[0], site.folder("keys")) == 0)
        let worker = try site.worker(endpoints[0], keys: "keys").wait()
        #expect(worker.status == 77)
        #expect(worker.errors.contains("refused our key"), "\(worker)")
        try coordinator.waitForLine(containing: "its key is not in allowed-workers")
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("Each mismatch of keys is named by both sides")
    func mismatches() throws {
        let site = try Site()
        let (locked, guarded) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"])
        let bare = try site.worker(guarded[0]).wait()
        #expect(bare.status == 77)
        #expect(bare.errors.contains("asks for keys: give --keys DIR"))
        // Whoever of the two hangs up first decides how much the coordinator knows.
        try locked.waitForLine(containing: "turned a connection away")

        try Program.run(["keygen", site.folder("others")])
        try site.folder.write(bytes(of: site.folder("others/coordinator.public")), to: "keys/coordinator.public")
        chmod(site.folder("keys/coordinator.public"), 0o644)
        let lost = try site.worker(guarded[0], keys: "keys")
        try lost.waitForLine(containing: "is coordinator.public the key of this one?")
        try locked.waitForLine(containing: "it expects another coordinator's key")
        lost.send(signal: SIGTERM)
        try lost.wait()
        locked.send(signal: SIGTERM)
        try locked.wait()
    }

    @Test("A worker with keys tells that the coordinator has none")
    func openCoordinator() throws {
        let site = try Site()
        let (coordinator, endpoints) = try site.coordinator(["--bind", "tcp://127.0.0.1:0", "--workers", "1"])
        let worker = try site.worker(endpoints[0], keys: "keys").wait()
        #expect(worker.status == 77)
        #expect(worker.errors.contains("uses no keys: leave --keys out here"))
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("An address that other hosts reach needs keys, or --insecure typed")
    func insecure() throws {
        let site = try Site()
        let refused = try Program.run(
            ["coordinator", "tiny.yaml", "--bind", "tcp://192.0.2.1:0", "--workers", "1"], in: site.folder.path)
        #expect(refused.status == 64)
        #expect(refused.errors.contains("--keys DIR"))
        #expect(refused.errors.contains("--insecure"))
    }

    @Test("Malformed, oversized, foreign, replayed and doubled messages change neither the hash nor the memory")
    func messages() throws {
        // LOCKSTEP_DEEP_MESSAGES: a million in scripts/check-deep.
        let count = Foreign.number("LOCKSTEP_DEEP_MESSAGES") ?? 30_000
        let site = try Site(epochs: max(40, count / 500))
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            [
                "--bind", "tcp://127.0.0.1:0", "--bind", "ipc://\(site.folder("socket"))", "--workers", "1",
                // A million messages take longer than workers have by default.
                "--set", "timeouts.start=3600",
            ])
        // A first dose warms everything up that is made once.
        _ = try Foreign.attack("messages", endpoints[0], "-", count: 1_000)
        let before = try residentBytes(of: coordinator.processID)
        #expect(try Foreign.attack("messages", endpoints[0], "-", count: count / 2) == 0)
        _ = try Foreign.attack("deaf", endpoints[0], "-", count: count / 2)
        let grown = try residentBytes(of: coordinator.processID) - before
        #expect(grown < 16 << 20, "resident memory grew by \(grown) bytes")
        let worker = try site.worker(endpoints[1])
        _ = try Foreign.attack("messages", endpoints[0], "-", count: count / 10)
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == hash)
    }

    @Test("A run in which everything is said twice, and once more much later, gives the undisturbed hash")
    func doubled() throws {
        let site = try Site()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1", "--transport", "inline"])
        let front = "ipc://\(site.folder("front"))"
        let proxy = try Foreign.start("proxy", endpoints[0], front, count: 1)
        let worker = try site.worker(front)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try worker.wait().status == 0)
        proxy.send(signal: SIGKILL)
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersLost == 0 && summary.workersJoined == 1)
    }

    @Test("What a worker said before it was evicted and joined anew is dropped when it comes again, and it stays")
    func replayed() throws {
        let site = try Site()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1", "--transport", "inline"])
        let front = "ipc://\(site.folder("front"))"
        let proxy = try Foreign.start("proxy", endpoints[0], front, count: 1)
        let worker = try site.worker(front, fault: "slow=1")
        try coordinator.waitForLine(containing: "Epoch 0")
        // The coordinator's connection is the proxy's and stands: it is the answer that does not come.
        worker.send(signal: SIGSTOP)
        try coordinator.waitForLine(containing: "was lost: it has not answered for")
        worker.send(signal: SIGCONT)
        try coordinator.waitForLine(containing: "joined", count: 2)
        let line = try coordinator.waitForLine(containing: "dropped a message on the connection of worker 2 ")
        #expect(line.hasSuffix("is not of its present membership but worker 1's"), "\(line)")
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        let ending = try worker.wait()
        #expect(ending.status == 0 && ending.errorLines.count { $0.contains("Joining again") } == 1, "\(ending)")
        proxy.send(signal: SIGKILL)
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersLost == 1 && summary.workersJoined == 2)
    }

    @Test("More connections than there are descriptors keep no thread busy and no worker out for good")
    func descriptors() throws {
        let site = try Site()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1"], openFiles: 120)
        let flood = try Foreign.start("crowd", endpoints[0], "-", count: 500)
        try coordinator.waitForLine(containing: "connections cannot be accepted: Too many open files")
        // What the descriptors that were kept back are for has been accepted; from now on the process sleeps.
        usleep(200_000)
        let before = try processorTime(of: coordinator.processID)
        usleep(1_500_000)
        let used = try processorTime(of: coordinator.processID) - before
        #expect(used < 0.3, "\(used) s of 1.5 s")
        flood.send(signal: SIGKILL)
        let worker = try site.worker(endpoints[0])
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == hash)
    }

    /// Seconds that all threads of a process have computed.
    private func processorTime(of process: Int32) throws -> Double {
        // Behind the name, which may contain anything, the 12th and the 13th field: proc(5).
        let fields = try text(of: "/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.dropFirst(11).prefix(2).compactMap { Double($0) }.reduce(0, +)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private func residentBytes(of process: Int32) throws -> Int {
        let status = try text(of: "/proc/\(process)/status")
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return 1024 * (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0)
    }
}

/// The Python program that plays the foreigners.
private enum Foreign {
    static var python: String? { getenv("LOCKSTEP_ORACLE_PYTHON").map { String(cString: $0) } }

    static func number(_ variable: String) -> Int? { getenv(variable).flatMap { Int(String(cString: $0)) } }

    /// Starts an attack.
    static func start(
        _ name: String, _ endpoint: String, _ keys: String, count: Int,
        output: ChildProcess.Command.Output = .inherited
    ) throws -> ChildProcess {
        let script = "\(Program.root)/Tests/Foreign/foreign.py"
        return try ChildProcess(
            ChildProcess.Command(
                executable: python ?? "python3", arguments: [script, name, endpoint, keys, "\(count)"],
                output: output))
    }

    /// Runs an attack to its end; returns how often it was let in.
    static func attack(_ name: String, _ endpoint: String, _ keys: String, count: Int = 1) throws -> Int {
        let folder = try TemporaryFolder()
        let file = open(folder("output"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        let process = try start(name, endpoint, keys, count: count, output: .file(file))
        // It has deadlines of its own; this one ends a test that hangs.
        let limit = Duration.seconds(300 + count / 100)
        try #require(process.wait(until: .after(limit)) != nil, "\(name) has not ended after \(limit)")
        let output = try text(of: folder("output"))
        let last = output.split(separator: "\n").last?.split(separator: " ").last
        return try #require(last.flatMap { Int($0) }, "\(name) said: \(output)")
    }
}
