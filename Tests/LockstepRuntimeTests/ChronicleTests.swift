import LockstepCluster
import LockstepProtocol
import Testing

@testable import LockstepRuntime

@Suite("The story of a failed run")
struct ChronicleTests {
    private func gaveUp(_ number: UInt32) -> ClusterNotice {
        .left(
            MemberInfo(id: MemberID(rawValue: number), host: "far", processID: number),
            Goodbye(code: .failed, message: "no memory"), active: 0)
    }

    @Test("A worker's own words are those that it has sent, unless its log lies on this host")
    func words() {
        let chronicle = Chronicle(wanted: 2)
        chronicle.note(gaveUp(1), step: 3, ending: nil, log: nil, lastWords: ["Joined", "Fetching"])
        chronicle.note(gaveUp(2), step: 4, ending: nil, log: "/no/such/log", lastWords: ["Joined"])
        #expect(chronicle.incidents.map(\.lastWords) == [["Joined", "Fetching"], []])
        #expect(chronicle.incidents[0].text == "worker 1 (far, pid 1) gave up: no memory")
    }

    @Test("However many give up and however much they say, what is kept is bounded")
    func bounded() {
        let chronicle = Chronicle(wanted: 1)
        let words = LogLines(lines: (0..<100).map { "line \($0)" }).lines
        for number in 1...1_000 {
            chronicle.note(gaveUp(UInt32(number)), step: nil, ending: nil, log: nil, lastWords: words)
        }
        #expect(chronicle.incidents.count == 100 && chronicle.omitted == 900)
        #expect(chronicle.incidents.allSatisfy { $0.lastWords.count == 20 && $0.lastWords.last == "line 99" })
    }
}
