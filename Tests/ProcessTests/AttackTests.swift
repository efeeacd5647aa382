import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTesting
import Testing

/// Five attacks by which a stranger could end a run, each in four variants, against live coordinators with two workers:
/// Tests/Foreign/attacks.py.
@Suite(
    "Attacks from outside", .serialized, .oneAtATime,
    .enabled(if: Foreign.python != nil, "LOCKSTEP_ORACLE_PYTHON is set by scripts/test"))
struct AttackTests {
    /// The protection of a coordinator's endpoint.
    enum Protection: CaseIterable, CustomTestStringConvertible {
        /// Loopback, where no keys are needed.
        case plain
        /// All addresses, without keys.
        case insecure
        /// CURVE: the attacker has no keys, the workers do.
        case keys

        var options: [String] {
            switch self {
            case .plain: ["--bind", "tcp://127.0.0.1:0"]
            case .insecure: ["--bind", "tcp://0.0.0.0:0", "--insecure"]
            case .keys: ["--bind", "tcp://127.0.0.1:0", "--keys", "keys"]
            }
        }

        var testDescription: String { "\(self)" }
    }

    /// LOCKSTEP_DEEP_ATTACKS: how often each is repeated, ten times in scripts/check-deep.
    static let repetitions = Foreign.number("LOCKSTEP_DEEP_ATTACKS")

    private static let maximumGrowth = 64 << 20

    @Test(
        "An attack changes neither the run nor its memory",
        arguments: [
            ["routing-id", "routing-id-hello", "routing-id-late", "routing-id-twice"],
            ["backlog-hello", "backlog-status", "backlog-ping", "backlog-reset"],
            ["parts-status", "parts-hello", "parts-ping", "parts-noise"],
            ["unfinished-large", "unfinished-empty", "unfinished-small", "unfinished-many"],
        ], AttackTests.repetitions == nil ? [Protection.plain, .keys] : Protection.allCases)
    func attack(variants: [String], protection: Protection) throws {
        let site = try ForeignSite(epochs: 100)
        let hash = try site.undisturbed()
        for _ in 0..<(Self.repetitions ?? 1) {
            let (coordinator, endpoints) = try site.coordinator(protection.options + ["--workers", "2"])
            let endpoint = endpoints[0].replacing("0.0.0.0", with: "127.0.0.1")
            // A guessed routing ID is most likely to be the next one while the first peers connect.
            let early = try Foreign.run([variants[0], endpoint], script: "attacks.py")
            #expect(early.contains("done \(variants[0])"), "\(early)")
            let workers = try (0..<2).map { _ in
                try site.worker(endpoint, keys: protection == .keys ? "keys" : nil, fault: "slow=1")
            }
            try coordinator.waitForLine(containing: "Epoch 0")
            try ProcessMemory.resetPeak(coordinator.processID)
            let before = try ProcessMemory.resident(coordinator.processID)
            for variant in variants {
                let said = try Foreign.run([variant, endpoint], script: "attacks.py")
                #expect(said.contains("done \(variant)"), "\(said)")
                guard coordinator.isRunning else { break }
                let growth = try ProcessMemory.peak(coordinator.processID) - before
                #expect(growth < Self.maximumGrowth, "\(variant): resident memory grew by \(growth >> 20) MiB")
            }
            for worker in workers { #expect(try worker.wait().status == 0) }
            let end = try coordinator.wait()
            #expect(end.status == 0, "\(end)")
            let summary = try RunSummary(run: site.folder("run"))
            #expect(summary.weightsSHA256 == hash)
            #expect(summary.workersLost == 0 && summary.workersJoined == 2, "\(end)")
            try site.deleteRun()
        }
    }

    @Test(
        "A worker reconnects and joins again after its encrypted message was damaged, and no process aborts",
        arguments: ["flip-up", "flip-down", "flip-heartbeat", "flip-flags"])
    func flip(variant: String) throws {
        let site = try ForeignSite(epochs: 100)
        let hash = try site.undisturbed()
        for _ in 0..<(Self.repetitions ?? 1) {
            let (coordinator, endpoints) = try site.coordinator(Protection.keys.options + ["--workers", "2"])
            let proxy = try Foreign.start(variant, endpoints[0], script: "attacks.py")
            defer { proxy.send(signal: SIGKILL) }
            let front = try #require(
                try proxy.waitForLine(containing: "listening ").split(whereSeparator: \.isWhitespace).last)
            let damaged = try site.worker(String(front), keys: "keys", fault: "slow=1")
            let other = try site.worker(endpoints[0], keys: "keys", fault: "slow=1")
            let end = try coordinator.wait()
            #expect(end.status == 0, "\(end)")
            let ending = try damaged.wait()
            #expect(ending.status == 0, "\(ending)")
            #expect(ending.errorLines.count { $0.contains("Joined the run") } >= 1, "\(ending)")
            #expect(try other.wait().status == 0)
            #expect(try RunSummary(run: site.folder("run")).weightsSHA256 == hash)
            try site.deleteRun()
        }
    }
}
