import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import LockstepTraining
import Testing

/// Foreign clients against live runs: Tests/Foreign/foreign.py, with pyzmq from PyPI.
@Suite(
    "Foreign clients", .serialized, .oneAtATime,
    .enabled(if: Foreign.python != nil, "LOCKSTEP_ORACLE_PYTHON is set by scripts/test"))
struct ForeignClientTests {
    @Test("No client without the right keys is accepted, and such clients do not change the hash")
    func locked() throws {
        let site = try ForeignSite()
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
        // The same client with the right keys is accepted: the others were not refused for another reason.
        #expect(try Foreign.attack("good", endpoints[0], keys) > 0)
        let worker = try site.worker(endpoints[0], keys: "keys")
        #expect(try Foreign.attack("unknown", endpoints[0], keys, count: 100) == 0)
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(end.errors.contains("its client's key is not in allowed-workers"))
        #expect(end.errors.contains("its client has no keys or keys for another coordinator"))
        #expect(end.errorLines.count < 40, "a flood of connections must not cause a flood of lines: \(end)")
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersJoined == 1)
    }

    @Test("With an empty allow-list a worker is refused, and both sides report it")
    func emptied() throws {
        let site = try ForeignSite()
        try site.folder.write(text: "# no worker\n", to: "keys/allowed-workers")
        chmod(site.folder("keys/allowed-workers"), 0o644)
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1"])
        #expect(try Foreign.attack("good", endpoints[0], site.folder("keys")) == 0)
        let worker = try site.worker(endpoints[0], keys: "keys").wait()
        #expect(worker.status == 77)
        #expect(worker.errors.contains("rejected our key"), "\(worker)")
        try coordinator.waitForLine(containing: "its client's key is not in allowed-workers")
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    /// Expects that a worker says what is wrong with its keys.
    ///
    /// On a busy machine the coordinator's thread may have the worker's whole greeting before it sends the part of its own that
    /// names the mechanism. It then closes the connection. The worker sees no more than that, asks whether this is the
    /// reason, and tries until its time is over.
    private func expect(_ worker: FinishedProcess, _ reason: String, orAsks question: String) {
        let isNamed = worker.status == 77 && worker.errors.contains(reason)
        #expect(isNamed || worker.status == 69 && worker.errors.contains(question), "\(worker)")
    }

    @Test("Both sides report each mismatch of keys")
    func mismatches() throws {
        let site = try ForeignSite()
        let (locked, guarded) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--keys", "keys", "--workers", "1", "--set", "timeouts.start=600"])
        let bare = try site.worker(guarded[0]).wait()
        expect(bare, "requires keys: give --keys DIR", orAsks: "does it require keys (--keys DIR)?")
        try locked.waitForLine(containing: "rejected a connection")

        try Program.run(["keygen", site.folder("others")])
        try site.folder.write(bytes(of: site.folder("others/coordinator.public")), to: "keys/coordinator.public")
        chmod(site.folder("keys/coordinator.public"), 0o644)
        let lost = try site.worker(guarded[0], keys: "keys")
        try lost.waitForLine(containing: "coordinator.public its key?")
        try locked.waitForLine(containing: "rejected 10 connections so far")
        lost.send(signal: SIGTERM)
        try lost.wait()
        locked.send(signal: SIGTERM)
        try locked.wait()
    }

    @Test("A worker with keys reports that the coordinator has none")
    func openCoordinator() throws {
        let site = try ForeignSite()
        let (coordinator, endpoints) = try site.coordinator(["--bind", "tcp://127.0.0.1:0", "--workers", "1"])
        let worker = try site.worker(endpoints[0], keys: "keys").wait()
        expect(worker, "uses no keys: leave --keys out here", orAsks: "does it use keys, and is")
        coordinator.send(signal: SIGTERM)
        try coordinator.wait()
    }

    @Test("An address that other hosts reach needs keys or --insecure")
    func insecure() throws {
        let site = try ForeignSite()
        let refused = try Program.run(
            ["coordinator", "tiny.yaml", "--bind", "tcp://192.0.2.1:0", "--workers", "1"], in: site.folder.path)
        #expect(refused.status == 64)
        #expect(refused.errors.contains("--keys DIR"))
        #expect(refused.errors.contains("--insecure"))
    }

    @Test("Malformed, oversized, foreign, replayed and duplicate messages change neither the hash nor the memory")
    func messages() throws {
        // LOCKSTEP_DEEP_MESSAGES: a million in scripts/check-deep.
        let count = Foreign.number("LOCKSTEP_DEEP_MESSAGES") ?? 30_000
        let site = try ForeignSite(epochs: max(40, count / 500))
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            [
                "--bind", "tcp://127.0.0.1:0", "--bind", "ipc://\(site.folder("socket"))", "--workers", "1",
                // A million messages take longer than workers have by default.
                "--set", "timeouts.start=3600",
            ])
        // The first messages cause all allocations that happen once.
        _ = try Foreign.attack("messages", endpoints[0], "-", count: 1_000)
        let before = try ProcessMemory.resident(coordinator.processID)
        #expect(try Foreign.attack("messages", endpoints[0], "-", count: count / 2) == 0)
        _ = try Foreign.attack("deaf", endpoints[0], "-", count: count / 2)
        let grown = try ProcessMemory.resident(coordinator.processID) - before
        #expect(grown < 16 << 20, "resident memory grew by \(grown) bytes")
        let worker = try site.worker(endpoints[1])
        _ = try Foreign.attack("messages", endpoints[0], "-", count: count / 10)
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == hash)
    }

    @Test("800 peers that say hello and prove nothing take no worker's place, and cause few lines")
    func candidates() throws {
        let site = try ForeignSite()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(["--bind", "tcp://127.0.0.1:0", "--workers", "2"])
        let crowd = try Foreign.start("candidates", endpoints[0], programVersion, "800")
        let line = try crowd.waitForLine(containing: "accepted ")
        #expect(line == "accepted 800")
        let workers = try [site.worker(endpoints[0]), site.worker(endpoints[0])]
        try coordinator.waitForLine(containing: "Epoch 0")
        crowd.send(signal: SIGKILL)
        let end = try coordinator.wait()
        #expect(end.status == 0 && end.errorLines.count < 30, "\(end)")
        for worker in workers { #expect(try worker.wait().status == 0) }
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash && summary.workersJoined == 2 && summary.workersLost == 0)
    }

    @Test("A run in which every message is sent twice, and once more much later, gives the undisturbed hash")
    func doubled() throws {
        let site = try ForeignSite()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1", "--transport", "inline"])
        let front = "ipc://\(site.folder("front"))"
        let proxy = try Foreign.start("proxy", endpoints[0], front, "1")
        let worker = try site.worker(front)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try worker.wait().status == 0)
        proxy.send(signal: SIGKILL)
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersLost == 0 && summary.workersJoined == 1)
    }

    @Test("Messages that a worker sent before it was evicted are dropped when they are replayed, and the worker stays")
    func replayed() throws {
        let site = try ForeignSite()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1", "--transport", "inline"])
        let front = "ipc://\(site.folder("front"))"
        let proxy = try Foreign.start("proxy", endpoints[0], front, "1")
        let worker = try site.worker(front, fault: "slow=1")
        try coordinator.waitForLine(containing: "Epoch 0")
        // The coordinator's connection to the proxy stays open: only the answer is missing.
        worker.send(signal: SIGSTOP)
        try coordinator.waitForLine(containing: "was lost: it has not answered for")
        worker.send(signal: SIGCONT)
        try coordinator.waitForLine(containing: "joined", count: 2)
        let line = try coordinator.waitForLine(containing: "dropped a message from worker 2 ")
        #expect(line.hasSuffix("that carries the ID of worker 1"), "\(line)")
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        let ending = try worker.wait()
        #expect(ending.status == 0 && ending.errorLines.count { $0.contains("Joining again") } == 1, "\(ending)")
        proxy.send(signal: SIGKILL)
        let summary = try RunSummary(run: site.folder("run"))
        #expect(summary.weightsSHA256 == hash)
        #expect(summary.workersLost == 1 && summary.workersJoined == 2)
    }

    @Test("More connections than descriptors keep no thread busy and do not exclude workers permanently")
    func descriptors() throws {
        let site = try ForeignSite()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "tcp://127.0.0.1:0", "--workers", "1"], openFiles: 120)
        let flood = try Foreign.start("crowd", endpoints[0], "-", "500")
        try coordinator.waitForLine(containing: "connections cannot be accepted: Too many open files")
        // The connections that had waited are accepted from the reserve; then the process sleeps.
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

    @Test("More connections over a unix socket than descriptors do not end the coordinator")
    func localDescriptors() throws {
        let site = try ForeignSite()
        let hash = try site.undisturbed()
        let (coordinator, endpoints) = try site.coordinator(
            ["--bind", "ipc://\(site.folder("socket"))", "--workers", "1"], openFiles: 120)
        let flood = try Foreign.start("crowd", endpoints[0], "-", "500")
        try coordinator.waitForLine(containing: "connections cannot be accepted: Too many open files")
        flood.send(signal: SIGKILL)
        let worker = try site.worker(endpoints[0])
        #expect(try worker.wait().status == 0)
        let end = try coordinator.wait()
        #expect(end.status == 0, "\(end)")
        #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == hash)
    }

    /// The processor time of all threads of a process, in seconds.
    private func processorTime(of process: Int32) throws -> Double {
        // The 12th and 13th field after the name, which may contain any characters: proc(5).
        let fields = try text(of: "/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let ticks = fields.dropFirst(11).prefix(2).compactMap { Double($0) }.reduce(0, +)
        return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
