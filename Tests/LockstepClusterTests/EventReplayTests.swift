import LockstepCluster
import LockstepProtocol
import Testing

@Suite("Replays of events")
struct EventReplayTests {
    @Test(
        "A replay that comes out differently names the first actions and counts the others",
        arguments: [16, 17, 70_000])
    func differs(count: Int) {
        let (peer, member) = (PeerID(rawValue: 4), MemberID(rawValue: 2))
        let actions = (0..<count).map {
            CoordinatorAction.sendParameters(peer, member, version: 1, chunk: $0)
        }
        let text = "\(EventReplay.Failure.differs(event: 3, .tick, actions: actions))"
        #expect(text.contains("event 3, ") && text.contains("chunk: 15") && !text.contains("chunk: 16"))
        #expect(text.hasSuffix(", and \(count - 16) more") == (count > 16))
    }
}
