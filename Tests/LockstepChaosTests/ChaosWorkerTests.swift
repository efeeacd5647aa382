import Foundation
import Glibc
import LockstepSystem
import LockstepTimeline
import Testing

@testable import LockstepChaos

/// A worker's faults, with a sleeping process and an imagined clock.
@Suite("A worker under chaos")
struct ChaosWorkerTests {
    private let start = Instant(nanoseconds: 0)

    private func worker(isExtra: Bool = false) throws -> ChaosWorker {
        let command = ChildProcess.Command(executable: "/bin/sleep", arguments: ["1000"], input: .nothing)
        return ChaosWorker(number: 1, isExtra: isExtra, process: try ChildProcess(command))
    }

    private func at(_ milliseconds: Int) -> Instant { start.advanced(by: .milliseconds(milliseconds)) }

    /// Waits until the kernel has stopped the process, or lets it run again. proc(5): the state follows the name.
    private func wait(for worker: ChaosWorker, toBeStopped: Bool) throws {
        let deadline = Deadline.after(.seconds(60))
        while true {
            let line = try String(contentsOfFile: "/proc/\(worker.process.processID)/stat", encoding: .utf8)
            let state = line.split(separator: ")").last?.split(separator: " ").first
            if (state == "T") == toBeStopped { return }
            try #require(!deadline.hasPassed(at: .now), "its state is \(state ?? "")")
            usleep(1_000)
        }
    }

    @Test("A stopped worker stands still until its time is over")
    func stopped() throws {
        var worker = try worker()
        worker.stop(for: .milliseconds(100), now: start)
        try wait(for: worker, toBeStopped: true)
        #expect(worker.advance(to: at(99)) == nil && !worker.isHealthy)
        try wait(for: worker, toBeStopped: true)
        #expect(worker.advance(to: at(100)) == nil && worker.isHealthy)
        try wait(for: worker, toBeStopped: false)
        worker.end()
    }

    @Test("A slowed worker stands still for 45 ms, runs for 5 ms, and so on")
    func slowed() throws {
        var worker = try worker()
        worker.slow(for: .milliseconds(120), now: start)
        for (milliseconds, isStopped) in [(0, true), (44, true), (45, false), (49, false), (50, true), (95, false)] {
            #expect(worker.advance(to: at(milliseconds)) == nil)
            try wait(for: worker, toBeStopped: isStopped)
        }
        #expect(worker.advance(to: at(100)) == nil && !worker.isHealthy)
        #expect(worker.advance(to: at(120)) == nil && worker.isHealthy)
        try wait(for: worker, toBeStopped: false)
        worker.end()
    }

    @Test("A killed worker is dead at once and started again when its time is over, unless it was an extra one")
    func killed() throws {
        var worker = try worker()
        worker.kill(replacedAfter: .milliseconds(30), now: start)
        #expect(worker.process.reap() == .signalled(SIGKILL))
        #expect(worker.advance(to: at(29)) == nil)
        #expect(worker.advance(to: at(30)) == .restart)
        var extra = try self.worker(isExtra: true)
        extra.kill(replacedAfter: .milliseconds(30), now: start)
        #expect(extra.advance(to: at(1_000)) == nil && !extra.isHealthy)
    }

    @Test("A partition ends with its time, with or without the connection", arguments: [true, false])
    func partitioned(isCut: Bool) throws {
        var worker = try worker()
        worker.condition = .partitioned(until: at(10), isCut: isCut)
        #expect(worker.advance(to: at(9)) == nil)
        #expect(worker.advance(to: at(10)) == .heal(isCut: isCut))
        #expect(worker.isHealthy && worker.advance(to: at(11)) == nil)
        worker.end()
    }

    @Test("A stopped worker ends like any")
    func ended() throws {
        var worker = try worker()
        worker.stop(for: .seconds(1_000), now: start)
        worker.end()
        #expect(worker.process.reap() == .signalled(SIGTERM))
    }
}
