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
        let replayed = EventReplay.Replayed(number: 3, seconds: 1, event: .tick, actions: actions)
        let text = "\(EventReplay.Failure.differs(replayed, recordedActions: 0, recordedDigest: 0, digest: 1))"
        #expect(text.contains("event 3, ") && text.contains("chunk: 15") && !text.contains("chunk: 16"))
        #expect(text.hasSuffix(", and \(count - 16) more") == (count > 16))
    }
}
