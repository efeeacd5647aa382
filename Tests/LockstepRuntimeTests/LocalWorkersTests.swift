import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// Processes that a coordinator starts, with shell scripts in the place of workers.
@Suite("Workers of this host")
struct LocalWorkersTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Starts `count` processes that run this script; dead ones are restarted at once.
    private func start(_ count: Int, _ script: String, maximumRestarts: Int = 0) throws -> LocalWorkers {
        // Written by another process: a process that is forked while this one writes keeps the file busy.
        let program = folder("program")
        let writing = try Program.run(
            ["-c", "printf '%s' \"$1\" > program", "sh", "#!/bin/sh\n\(script)\n"], executable: "/bin/sh",
            in: folder.path)
        try #require(writing.status == 0)
        try #require(chmod(program, 0o755) == 0)
        var deadlines = Deadlines()
        deadlines.firstPause = 0
        return try LocalWorkers(
            count: count, program: WorkerProgram(executable: program), endpoint: .ipc(path: "/tmp/x"),
            arguments: ["--quiet"], maximumRestarts: maximumRestarts, deadlines: deadlines, output: .logs(log))
    }

    private func log(_ place: Int) -> String { folder("worker-\(place).log") }

    /// Calls `poll` until `isDone`.
    private func wait(until isDone: () throws -> Bool, calling poll: () throws -> Void = {}) throws {
        let deadline = Deadline.after(.seconds(60))
        while try !isDone() {
            try poll()
            try #require(!deadline.hasPassed(at: .now))
            usleep(1_000)
        }
    }

    /// Calls `check` until it throws; what it throws then.
    private func failure(of check: () throws -> Void) throws -> RunError? {
        var failure: RunError?
        try wait(
            until: { failure != nil },
            calling: {
                do {
                    try check()
                } catch let error as RunError {
                    failure = error
                }
            })
        return failure
    }

    /// The process IDs that a log has, once there are so many: the scripts write them.
    private func processIDs(_ count: Int, of place: Int) throws -> [Int32] {
        var found: [Int32] = []
        try wait {
            found = try text(of: log(place)).split(separator: "\n").compactMap { Int32($0) }
            return found.count >= count
        }
        return found
    }

    private static let sleeper = "echo $$\nexec sleep 1000"

    @Test("A worker is started with the endpoint and its place, and one that exits while the run gathers ends the run")
    func exits() throws {
        let workers = try start(1, "echo \"$LOCKSTEP_WORKER $@\"\necho 'it has no data' >&2\nexit 3")
        let expected = RunError.workerDidNotJoin(
            index: 0, ending: "ended with exit status 3", logTail: "it has no data", log: log(0))
        #expect(
            try failure { try workers.check(isGathering: true, isNeeded: true) { Issue.record("\($0)") } } == expected)
        #expect(try text(of: log(0)).hasPrefix("0 worker --connect ipc:///tmp/x --quiet"))
    }

    @Test("A killed worker is restarted until the restarts are used up, and the run ends with the last one")
    func restarts() throws {
        let workers = try start(2, Self.sleeper, maximumRestarts: 1)
        var watched = 0
        workers.watchSockets { _ in watched += 1 }
        #expect(watched == 2)
        let first = try processIDs(1, of: 0)[0]
        kill(first, SIGKILL)
        var notices: [ClusterNotice] = []
        func check(isNeeded: Bool = true) throws {
            try workers.check(isGathering: false, isNeeded: isNeeded) { notices.append($0) }
        }
        try wait(until: { watched == 3 }, calling: { try check() })
        #expect(notices == [.replacing(place: 0, seconds: 0, count: 1, limit: 1)])
        #expect(workers.restarts == 1 && workers.nextDue == nil && workers.deaths.isEmpty)
        let second = try processIDs(2, of: 0)[1]
        kill(second, SIGKILL)
        try wait(until: { notices.count == 2 }, calling: { try check() })
        #expect(notices[1] == .notReplaced(place: 0, limit: 1))
        #expect(workers.deaths.map(\.place) == [0] && workers.deaths.map(\.processID) == [UInt32(second)])
        #expect(workers.ending(ofProcess: UInt32(second)) == "signal 9 (Killed)")
        #expect(workers.log(ofProcess: UInt32(second)) == log(0) && workers.log(ofProcess: UInt32(first)) == nil)
        workers.killAll()
        #expect(try failure { try check() } == .noWorkersLeft(ending: "with signal 9 (Killed)", log: log(1)))
        try check(isNeeded: false)
    }

    @Test("A worker that has said goodbye is not restarted, and is no death")
    func left() throws {
        let workers = try start(2, Self.sleeper, maximumRestarts: 5)
        let process = try processIDs(1, of: 1)[0]
        workers.update(
            with: .left(
                MemberInfo(id: MemberID(rawValue: 1), host: "h", processID: UInt32(process)),
                Goodbye(code: .stopping, message: ""), active: 0))
        kill(process, SIGKILL)
        try wait(until: { workers.ending(ofProcess: UInt32(process)) != nil })
        try workers.check(isGathering: false, isNeeded: true) { Issue.record("\($0)") }
        #expect(workers.restarts == 0 && workers.deaths.isEmpty)
    }

    @Test("A worker under quarantine is replaced only if no other worker is left", arguments: [0, 1])
    func quarantined(active: Int) throws {
        let workers = try start(2, Self.sleeper, maximumRestarts: 5)
        let process = try processIDs(1, of: 1)[0]
        workers.update(
            with: .quarantined(
                MemberInfo(id: MemberID(rawValue: 1), host: "h", processID: UInt32(process)), step: 3, node: 1,
                active: active))
        kill(process, SIGKILL)
        try wait(until: { workers.ending(ofProcess: UInt32(process)) != nil })
        var notices: [ClusterNotice] = []
        try workers.check(isGathering: false, isNeeded: true) { notices.append($0) }
        #expect(notices == (active == 0 ? [.replacing(place: 1, seconds: 0, count: 1, limit: 5)] : []))
        #expect(workers.restarts == notices.count && workers.deaths.isEmpty)
    }

    @Test(
        "A worker whose data set has changed is replaced by one that loads it anew, unless its host is excluded",
        arguments: [false, true])
    func dataChanged(isHostExcluded: Bool) throws {
        let workers = try start(2, Self.sleeper, maximumRestarts: 5)
        let process = try processIDs(1, of: 1)[0]
        workers.update(
            with: .dataChanged(
                MemberInfo(id: MemberID(rawValue: 1), host: "h", processID: UInt32(process)), active: 1,
                isHostExcluded: isHostExcluded))
        kill(process, SIGKILL)
        try wait(until: { workers.ending(ofProcess: UInt32(process)) != nil })
        var notices: [ClusterNotice] = []
        try workers.check(isGathering: false, isNeeded: true) { notices.append($0) }
        #expect(notices == (isHostExcluded ? [] : [.replacing(place: 1, seconds: 0, count: 1, limit: 5)]))
    }

    @Test("Workers that do not end are terminated")
    func stopped() throws {
        let workers = try start(1, Self.sleeper)
        let process = try processIDs(1, of: 0)[0]
        workers.stop(grace: 0)
        #expect(kill(process, 0) == -1 && errno == ESRCH)
        try workers.check(isGathering: false, isNeeded: true) { Issue.record("\($0)") }
    }
}
