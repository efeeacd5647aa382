import Foundation
import LockstepCluster
import LockstepProtocol
import Testing

@Suite("Replays of events")
struct EventReplayTests {
    /// The beginning of a real run: `lockstep train --workers 3 --shards 4 --audit 0.3 --record-events FILE`, in which a
    /// worker was killed and another one took its place.
    private func record() throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        return [UInt8](try Data(contentsOf: folder.appending(path: "Records/audited-run-with-a-killed-worker.events")))
    }

    @Test("The record of an older version's run leads to the same actions")
    func olderVersion() throws {
        var kinds: Set<String> = []
        let report = try record().withUnsafeBytes { bytes in
            try EventReplay.run(bytes) { replayed in
                for action in replayed.actions { kinds.insert("\("\(action)".prefix { $0 != "(" })") }
            }
        }
        #expect(report.events == 802 && report.actions == 486 && report.steps == 103)
        #expect(kinds == ["welcome", "notify", "assign", "compare"])
    }

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
