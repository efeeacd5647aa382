import Foundation
import LockstepSystem
import LockstepTesting
import Testing

/// Where a worker's threads run, and when.
@Suite("Cores", .serialized, .oneAtATime)
struct CoreTests {
    /// A thread, as the system shows it in /proc.
    private struct Scheduling: Hashable {
        var cores: String
        var policy: String
    }

    private static let batchPolicy = "3"

    /// How the threads of a process are scheduled.
    private func scheduling(of process: Int32) throws -> Set<Scheduling> {
        let folder = "/proc/\(process)/task"
        let threads = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(threads.count > 2)
        return Set(
            try threads.map { thread in
                let status = try text(of: "\(folder)/\(thread)/status").split(separator: "\n")
                let cores = try #require(status.first { $0.hasPrefix("Cpus_allowed_list:") })
                // proc(5): the name in parentheses may hold spaces; the policy is the 41st field, 39 after it.
                let stat = try text(of: "\(folder)/\(thread)/stat")
                let fields = try #require(stat.split(separator: ")").last).split(separator: " ")
                return Scheduling(
                    cores: cores.dropFirst("Cpus_allowed_list:".count).trimmingCharacters(in: .whitespaces),
                    policy: String(fields[38]))
            })
    }

    /// How the workers of a run are scheduled that has so many of them.
    private func workers(_ count: Int) throws -> [Set<Scheduling>] {
        let place = try Workplace(epochs: 1_000_000)
        let run = try RunningProcess(["train", "tiny.yaml", "--workers", "\(count)"], in: place.folder.path)
        try run.waitForLine(containing: "joined; \(count) workers")
        #expect(run.workers.count == count)
        return try run.workers.map(scheduling)
    }

    @Test(
        "Where every core has a worker, each worker has a core of its own, with all its threads",
        .enabled(if: (2...16).contains(Host.coreCount), "needs 2 to 16 cores"))
    func own() throws {
        let count = Host.coreCount
        let found = try workers(count)
        #expect(found.allSatisfy { $0.count == 1 && $0.first?.policy == Self.batchPolicy }, "\(found)")
        let cores = Set(found.flatMap { $0.map(\.cores) })
        #expect(cores.count == count && cores.allSatisfy { Int($0) != nil }, "\(found)")
    }

    @Test("Where there are fewer cores than workers, each runs anywhere")
    func shared() throws {
        let found = Set(try workers(Host.coreCount + 1).flatMap { $0 })
        let status = try text(of: "/proc/self/status")
        #expect(found.count == 1 && found.first?.policy == Self.batchPolicy, "\(found)")
        #expect(status.contains("Cpus_allowed_list:\t\(found.first?.cores ?? "none")\n"), "\(found)")
    }

    @Test("A core that does not exist, and one core for several processes, are mistakes")
    func mistakes() throws {
        for (options, words) in [
            (["--core", "100000"], ["--core 100000", "of which the first is 0"]),
            (["--core", "-1"], ["--core"]),
            (["--core", "0", "--processes", "2"], ["--core", "--processes 2", "leave one of them out"]),
        ] {
            let result = try Program.run(["worker", "--connect", "tcp://127.0.0.1:5555"] + options)
            #expect(result.status == 64, "\(result)")
            #expect(words.allSatisfy { result.errors.contains($0) }, "\(result)")
        }
    }
}
