import LockstepCluster
import LockstepProtocol
import Testing

@testable import LockstepRuntime

@Suite("The log of failures")
struct FailureLogTests {
    private func failed(_ number: UInt32) -> ClusterNotice {
        .left(
            MemberInfo(id: MemberID(rawValue: number), host: "far", processID: number),
            Goodbye(code: .failed, message: "no memory"), active: 0)
    }

    @Test("The last lines are those that the worker has sent, unless its log is on this host")
    func logTail() {
        let failureLog = FailureLog(wanted: 2)
        failureLog.record(failed(1), step: 3, ending: nil, log: nil, logTail: ["Joined", "Fetching"])
        failureLog.record(failed(2), step: 4, ending: nil, log: "/no/such/log", logTail: ["Joined"])
        #expect(failureLog.events.map(\.logTail) == [["Joined", "Fetching"], []])
        #expect(failureLog.events[0].text == "worker 1 (far, pid 1) failed: no memory")
    }

    @Test("A worker whose data set has changed is a cause, and the end of its process no further one")
    func dataChanged() {
        let failureLog = FailureLog(wanted: 1)
        let member = MemberInfo(id: MemberID(rawValue: 2), host: "far", processID: 7)
        failureLog.record(
            .dataChanged(member, active: 0, isHostExcluded: false), step: 5, ending: nil, log: nil, logTail: ["Joined"])
        let death = LocalWorkers.Death(place: 0, processID: 7, ending: "exit status 69", log: "/no/log")
        failureLog.record([death], step: 5)
        #expect(failureLog.events.map(\.text) == ["the data set changed in the memory of worker 2 (far, pid 7)"])
        #expect(failureLog.events[0].logTail == ["Joined"])
    }

    @Test("However many workers fail, and however long their logs are, the log is bounded")
    func bounded() {
        let failureLog = FailureLog(wanted: 1)
        let words = LogLines(lines: (0..<100).map { "line \($0)" }).lines
        for number in 1...1_000 {
            failureLog.record(failed(UInt32(number)), step: nil, ending: nil, log: nil, logTail: words)
        }
        #expect(failureLog.events.count == 100 && failureLog.omitted == 900)
        #expect(failureLog.events.allSatisfy { $0.logTail.count == 20 && $0.logTail.last == "line 99" })
    }
}
