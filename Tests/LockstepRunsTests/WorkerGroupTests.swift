import Glibc
import LockstepCluster
import LockstepSystem
import Testing

@testable import LockstepRuns

/// In child processes: the group needs the signals of its process. Shell scripts stand in the place of workers.
@Suite("Several workers under one command")
struct WorkerGroupTests {
    /// Runs a group; its processes are restarted at once.
    ///
    /// - Parameters:
    ///   - count: Processes.
    ///   - script: What each does.
    ///   - maximumRestarts: How many are replaced.
    /// - Returns: The deaths, and what the group threw.
    /// - Throws: `SystemError` if the signals cannot be caught.
    private static func run(_ count: Int, _ script: String, maximumRestarts: Int = 0) throws -> (
        deaths: [WorkerGroup.Death], failure: String?
    ) {
        var deaths: [WorkerGroup.Death] = []
        var deadlines = Deadlines()
        deadlines.firstPause = 0
        let stop = try StopSignals.install()
        let group = WorkerGroup(
            count: count, executable: "/bin/sh", arguments: { _ in ["-c", script] }, maximumRestarts: maximumRestarts,
            deadlines: deadlines, notify: { deaths.append($0) })
        do {
            try group.run(stop: stop)
            return (deaths, nil)
        } catch {
            return (deaths, "\(error)")
        }
    }

    @Test("A group ends when all its workers have ended well")
    func success() async {
        await #expect(processExitsWith: .success) {
            let (deaths, failure) = try Self.run(3, "exit 0")
            exit(deaths.isEmpty && failure == nil ? 0 : 1)
        }
    }

    @Test("A worker that fails by itself is not replaced, and its failure is the group's")
    func failure() async {
        await #expect(processExitsWith: .success) {
            let (deaths, failure) = try Self.run(2, "exit 3", maximumRestarts: 5)
            exit(deaths.isEmpty && failure == "a worker process ended with exit status 3" ? 0 : 1)
        }
    }

    @Test("A killed worker is replaced until the restarts are used up")
    func killed() async {
        await #expect(processExitsWith: .success) {
            let (deaths, failure) = try Self.run(1, "kill -9 $$", maximumRestarts: 2)
            let expected: [ClusterNotice] = [
                .replacing(place: 0, seconds: 0, count: 1, limit: 2),
                .replacing(place: 0, seconds: 0, count: 2, limit: 2), .notReplaced(place: 0, limit: 2),
            ]
            guard deaths.map(\.notice) == expected else { exit(1) }
            guard deaths.allSatisfy({ $0.ending == .signalled(SIGKILL) }) else { exit(2) }
            exit(failure == "a worker process ended with signal 9 (Killed)" ? 0 : 3)
        }
    }

    @Test("A signal to stop is passed on, and a worker that ends for it is no failure")
    func stopped() async {
        await #expect(processExitsWith: .success) {
            // Its parent gets the signal once the worker can handle it.
            let (deaths, failure) = try Self.run(
                1, "trap 'exit 0' TERM; kill -TERM $PPID; while true; do sleep 1; done", maximumRestarts: 2)
            exit(deaths.isEmpty && failure == "interrupted by signal 15" ? 0 : 1)
        }
    }
}
