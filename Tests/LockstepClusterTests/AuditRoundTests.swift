import Testing

@testable import LockstepCluster

@Suite("Audit")
struct AuditRoundTests {
    private func member(_ number: UInt32, process: UInt32, host: String = "h") -> MemberInfo {
        MemberInfo(id: MemberID(rawValue: number), host: host, processID: process)
    }

    @Test("Two copies of two processes are compared, and no third is wanted")
    func copies() {
        var audit = AuditRound()
        #expect(audit.addCopy(of: 3, from: member(1, process: 10)) == nil)
        let pair = audit.addCopy(of: 3, from: member(2, process: 11))
        #expect(pair?.0.rawValue == 1 && pair?.1.rawValue == 2)
        #expect(!audit.needsCopy(of: 3, from: member(4, process: 12)))
        #expect(audit.needsCopy(of: 5, from: member(4, process: 12)))
    }

    @Test("A process that has become another member does not audit itself; its namesake on another host may")
    func rejoined() {
        var audit = AuditRound()
        #expect(audit.addCopy(of: 3, from: member(1, process: 10)) == nil)
        #expect(!audit.needsCopy(of: 3, from: member(2, process: 10)))
        #expect(audit.addCopy(of: 3, from: member(2, process: 10)) == nil)
        #expect(audit.needsCopy(of: 3, from: member(2, process: 10, host: "other")))
    }

    @Test("What a member has answered that is not compared yet can be forgotten")
    func discarded() {
        var audit = AuditRound()
        for node: UInt32 in [7, 2] { #expect(audit.addCopy(of: node, from: member(1, process: 10)) == nil) }
        _ = audit.addCopy(of: 2, from: member(2, process: 11))
        #expect(audit.discardCopies(of: MemberID(rawValue: 1)) == [7])
        #expect(audit.needsCopy(of: 7, from: member(1, process: 10)))
    }
}
