import LockstepProtocol
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("The last events")
struct EventRingTests {
    private func instant(_ microseconds: UInt64) -> Instant {
        Instant(nanoseconds: 5_000_000 + microseconds * 1_000)
    }

    @Test("An empty ring says nothing, and one with room keeps everything")
    func few() {
        var ring = EventRing<Int>(capacity: 3)
        #expect(ring.lines == [])
        ring.append(7, at: instant(0))
        ring.append(8, at: instant(2_000_001))
        #expect(ring.lines == ["0.000000 s  7", "2.000001 s  8"])
    }

    @Test("A full one keeps the newest, in their order", arguments: 3...11)
    func full(count: Int) {
        var ring = EventRing<Int>(capacity: 3)
        for number in 0..<count { ring.append(number, at: instant(UInt64(number))) }
        #expect(ring.count == 3)
        #expect(
            ring.lines == [
                "0.000000 s  \(count - 3)", "0.000001 s  \(count - 2)", "0.000002 s  \(count - 1)",
            ])
    }

    @Test("A history tells what was decided behind what happened, in plain words")
    func history() {
        var history = MachineHistory<CoordinatorEvent, CoordinatorAction>()
        let item = WorkItem(kind: .node, step: 12, number: 3)
        let (peer, member) = (PeerID(rawValue: 4), MemberID(rawValue: 2))
        history.append(
            .peerLost(peer, reason: "its connection ended"), [.assign(peer, member, item)], at: instant(0))
        #expect(
            history.lines == [
                "0.000000 s  peerLost(peer 4, reason: \"its connection ended\")",
                "0.000000 s    -> assign(peer 4, worker 2, node 3 of step 12)",
            ])
        for number in 0..<2_000 { history.append(.tick, [], at: instant(UInt64(number))) }
        #expect(history.lines.count == 1_000)
    }
}
