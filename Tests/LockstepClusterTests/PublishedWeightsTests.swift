import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Published weights")
struct PublishedWeightsTests {
    private func sent(_ actions: [CoordinatorAction]) -> [String] {
        actions.compactMap { action in
            guard case .sendParameters(let peer, _, let version, let chunk) = action else { return nil }
            return "\(peer.rawValue): \(version).\(chunk)"
        }
    }

    @Test("With its first assignment a member gets all chunks, once; a member that shares memory gets none")
    func missing() {
        for sharesMemory in [false, true] {
            let weights = PublishedWeights(chunks: 3)
            var membership = ClusterFixture.membership(of: 1, sharesMemory: sharesMemory)
            var actions: [CoordinatorAction] = []
            for _ in 0..<2 { weights.sendMissing(ofStep: 4, to: &membership[0], into: &actions) }
            #expect(sent(actions) == (sharesMemory ? [] : ["1: 4.0", "1: 4.1", "1: 4.2"]))
        }
    }

    @Test("The next weights go to idle members that have the present ones, chunk by chunk")
    func publishing() {
        var weights = PublishedWeights(chunks: 2)
        var membership = ClusterFixture.membership(of: 4)
        var actions: [CoordinatorAction] = []
        weights.begin(step: 0)
        // 1 is idle, 2 computes, 3 is on standby, 4 is new.
        for index in 0..<3 { weights.sendMissing(ofStep: 0, to: &membership[index], into: &actions) }
        membership[1].queue.append(Assignment(item: .node(1), sampleCount: 1), at: .zero)
        membership[2].isOnStandby = true
        actions.removeAll()
        weights.publish(version: 1, chunk: 1, to: &membership, into: &actions)
        weights.publish(version: 1, chunk: 1, to: &membership, into: &actions)
        #expect(sent(actions) == ["1: 1.1"])
        // 2 begins to answer: it gets what is final.
        membership[1].queue.beginArrival(of: .node(1))
        actions.removeAll()
        for index in 0..<4 { weights.sendPublished(to: &membership[index], into: &actions) }
        #expect(sent(actions) == ["2: 1.1"])
        actions.removeAll()
        weights.publish(version: 1, chunk: 0, to: &membership, into: &actions)
        #expect(sent(actions) == ["1: 1.0", "2: 1.0"])
        // The step after the next: 2 has not answered, so it is sent nothing of version 2.
        weights.begin(step: 1)
        actions.removeAll()
        weights.publish(version: 2, chunk: 0, to: &membership, into: &actions)
        #expect(sent(actions) == ["1: 2.0"])
        for index in 0..<2 { weights.sendMissing(ofStep: 1, to: &membership[index], into: &actions) }
        #expect(sent(actions) == ["1: 2.0"], "both have all of version 1")
    }

    @Test("Weights that are withdrawn are sent again, and nothing is final any more")
    func withdrawn() {
        var weights = PublishedWeights(chunks: 2)
        var membership = ClusterFixture.membership(of: 1)
        var actions: [CoordinatorAction] = []
        weights.begin(step: 0)
        weights.sendMissing(ofStep: 0, to: &membership[0], into: &actions)
        weights.publish(version: 1, chunk: 1, to: &membership, into: &actions)
        weights.withdraw(from: &membership)
        actions.removeAll()
        weights.sendPublished(to: &membership[0], into: &actions)
        #expect(sent(actions) == [])
        weights.sendMissing(ofStep: 1, to: &membership[0], into: &actions)
        #expect(sent(actions) == ["1: 1.0", "1: 1.1"])
    }

    @Test("A new version forgets what was published of the one before")
    func versions() {
        var weights = PublishedWeights(chunks: 1)
        var membership = ClusterFixture.membership(of: 1)
        var actions: [CoordinatorAction] = []
        weights.sendMissing(ofStep: 0, to: &membership[0], into: &actions)
        weights.begin(step: 0)
        weights.publish(version: 1, chunk: 0, to: &membership, into: &actions)
        weights.begin(step: 1)
        actions.removeAll()
        weights.sendPublished(to: &membership[0], into: &actions)
        #expect(sent(actions) == [])
    }
}
