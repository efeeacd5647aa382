import Glibc
import LockstepTimeline
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// A coordinator's end that a worker sees by the connection over which shared memory came.
@Suite("The end of a coordinator's process")
struct CoordinatorEndTests {
    /// Watches a connection whose other end closes, and calls a function once that has been seen.
    private func afterEnd(_ body: (inout CoordinatorEnd, inout Poller) throws -> Void) throws {
        let context = try Context()
        var poller = Poller(context: context)
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { close(ends[0]) }
        var end = CoordinatorEnd()
        end.watch(ends[0], with: &poller)
        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        #expect(!end.isOverdue(&poller, hasEnded: { true }))
        #expect(end.deadline == nil)
        close(ends[1])
        #expect(try poller.wait(timeoutMilliseconds: -1) == .ready(1))
        #expect(!end.isOverdue(&poller, hasEnded: { true }))
        try body(&end, &poller)
    }

    @Test("The worker waits for libzmq's report, and counts the coordinator as lost once after the deadline")
    func unreported() throws {
        try afterEnd { end, poller in
            let deadline = try #require(end.deadline)
            while .now < deadline { usleep(10_000) }
            #expect(end.isOverdue(&poller, hasEnded: { true }))
            #expect(end.deadline == nil)
            #expect(!end.isOverdue(&poller, hasEnded: { true }))
        }
    }

    @Test("After libzmq's report, or the next welcome, the worker waits for nothing")
    func reported() throws {
        try afterEnd { end, poller in
            #expect(end.deadline != nil)
            end.cancel(&poller)
            #expect(end.deadline == nil)
        }
    }
}
