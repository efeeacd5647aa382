import Testing

@testable import LockstepCluster

@Suite("Audit")
struct AuditTests {
    private func member(_ number: UInt32, process: UInt32, host: String = "h") -> MemberInfo {
        MemberInfo(id: MemberID(rawValue: number), host: host, processID: process)
    }

    @Test("Two copies of two processes are compared, and no third is wanted")
    func copies() {
        var audit = Audit()
        #expect(audit.add(3, from: member(1, process: 10)) == nil)
        let pair = audit.add(3, from: member(2, process: 11))
        #expect(pair?.0.rawValue == 1 && pair?.1.rawValue == 2)
        #expect(!audit.wants(3, from: member(4, process: 12)))
        #expect(audit.wants(5, from: member(4, process: 12)))
    }

    @Test("A process that has become another member does not audit itself; its namesake on another host may")
    func rejoined() {
        var audit = Audit()
        #expect(audit.add(3, from: member(1, process: 10)) == nil)
        #expect(!audit.wants(3, from: member(2, process: 10)))
        #expect(audit.add(3, from: member(2, process: 10)) == nil)
        #expect(audit.wants(3, from: member(2, process: 10, host: "other")))
    }

    @Test("What a member has answered that is not compared yet can be forgotten")
    func discarded() {
        var audit = Audit()
        for node: UInt32 in [7, 2] { #expect(audit.add(node, from: member(1, process: 10)) == nil) }
        _ = audit.add(2, from: member(2, process: 11))
        #expect(audit.discard(MemberID(rawValue: 1)) == [7])
        #expect(audit.wants(7, from: member(1, process: 10)))
    }
}
