import Foundation
import Glibc
import LockstepSystem
import LockstepTesting
import Testing

/// The cores and the scheduling policies of worker threads.
@Suite("Cores", .serialized, .oneAtATime)
struct CoreTests {
    /// The scheduling of a thread, from /proc.
    private struct Scheduling: Hashable {
        var cores: String
        var policy: String
    }

    private static let (defaultPolicy, batchPolicy) = ("0", "3")

    /// The scheduling of a process's threads, except those that end meanwhile.
    private func scheduling(of process: Int32) throws -> Set<Scheduling> {
        let folder = "/proc/\(process)/task"
        return Set(
            try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { thread in
                guard let status = try? text(of: "\(folder)/\(thread)/status"),
                    let stat = try? text(of: "\(folder)/\(thread)/stat")
                else { return nil }
                let cores = try #require(status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") })
                // proc(5): the name in parentheses may hold spaces; the policy is the 41st field, 39 after it.
                let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
                return Scheduling(
                    cores: cores.dropFirst("Cpus_allowed_list:".count).trimmingCharacters(in: .whitespaces),
                    policy: String(fields[38]))
            })
    }

    /// The core to which all threads of a process are bound, if they are batch-scheduled; else nil.
    private func ownCore(of process: Int32) throws -> String? {
        let found = try scheduling(of: process)
        guard found.count == 1, let all = found.first, all.policy == Self.batchPolicy, Int(all.cores) != nil else {
            return nil
        }
        return all.cores
    }

    /// The cores in these processes' arguments, in their order.
    private func assignedCores(_ processes: [Int32]) throws -> [String] {
        try processes.map { process in
            let arguments = try text(of: "/proc/\(process)/cmdline").split(separator: "\0")
            let option = try #require(arguments.firstIndex(of: "--core"), "\(arguments)")
            return String(arguments[option + 1])
        }
    }

    @Test(
        "With as many workers as cores, each worker has a core of its own, and so has its replacement",
        .enabled(if: (2...16).contains(Host.coreCount), "needs 2 to 16 cores"))
    func own() throws {
        let (place, count) = (try Workplace(epochs: 1_000_000), Host.coreCount)
        let all = (0..<count).map { "\($0)" }
        let run = try RunningProcess(["train", "tiny.yaml", "--workers", "\(count)"], in: place.folder.path)
        try run.waitForLine(containing: "joined; \(count) workers")
        // A worker that waits long for its core on a loaded machine runs on any core for some seconds.
        var cores: [Int32: String] = [:]
        try run.wait(until: "each worker has had a core") {
            for worker in run.workers { cores[worker] = try cores[worker] ?? ownCore(of: worker) }
            return cores.count == count
        }
        #expect(Set(cores.values).count == count, "\(cores)")
        let coordinator = try scheduling(of: run.processID)
        #expect(
            Set(coordinator.map(\.policy)) == [Self.defaultPolicy, Self.batchPolicy],
            "only libzmq's threads are batch-scheduled")
        #expect(Set(coordinator.map(\.cores)).count == 1)
        kill(try #require(run.workers.first), SIGKILL)
        try run.waitForLine(containing: "joined; \(count) workers", count: 2)
        #expect(try assignedCores(run.workers).sorted() == all)
    }

    @Test(
        "Each process of a worker command has a core of its own",
        .enabled(if: (2...16).contains(Host.coreCount), "needs 2 to 16 cores"))
    func group() throws {
        let (place, count) = (try Workplace(epochs: 1_000_000), Host.coreCount)
        let endpoint = "ipc://\(place.folder("s"))"
        let coordinator = try RunningProcess(
            ["coordinator", "tiny.yaml", "--workers", "\(count)", "--bind", endpoint], in: place.folder.path)
        try coordinator.waitForLine(containing: "Listening on ")
        let group = try RunningProcess(
            ["worker", "--connect", endpoint, "--processes", "\(count)"], in: place.folder.path)
        try coordinator.waitForLine(containing: "joined; \(count) workers")
        #expect(try assignedCores(group.descendants).sorted() == (0..<count).map { "\($0)" })
    }

    @Test("With fewer cores than workers, each worker runs on any core")
    func shared() throws {
        let (place, count) = (try Workplace(epochs: 1_000_000), Host.coreCount + 1)
        let run = try RunningProcess(["train", "tiny.yaml", "--workers", "\(count)"], in: place.folder.path)
        try run.waitForLine(containing: "joined; \(count) workers")
        let found = Set(try run.workers.flatMap { try scheduling(of: $0).map(\.cores) })
        #expect(found == Set(try scheduling(of: Host.processID).map(\.cores)))
    }

    @Test("A core that does not exist, and one core for several processes, are rejected")
    func mistakes() throws {
        for (options, words) in [
            (["--core", "100000"], ["--core 100000", "this process can run on cores 0 to"]),
            (["--core", "-1"], ["--core"]),
            (["--core", "0", "--processes", "2"], ["--core", "--processes 2", "leave one out"]),
        ] {
            let result = try Program.run(["worker", "--connect", "tcp://127.0.0.1:5555"] + options)
            #expect(result.status == 64, "\(result)")
            #expect(words.allSatisfy { result.errors.contains($0) }, "\(result)")
        }
    }
}
