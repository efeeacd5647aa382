import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Dispatcher")
struct DispatcherTests {
    /// The weights' chunks that each peer is sent after a step that all three workers have computed.
    private func sent(to membership: inout Membership, by processes: ComputingProcesses?, isAudited: Bool) -> [UInt32] {
        var dispatcher = Dispatcher(configuration: ClusterFixture.configuration())
        var actions: [CoordinatorAction] = []
        dispatcher.begin(step: 0, SummationTree(shards: 3, samples: 30), isAudited: isAudited)
        dispatcher.assignStep(to: &membership, by: processes, now: .zero, into: &actions)
        for index in membership.indices { membership[index].queue = WorkQueue() }
        actions.removeAll()
        dispatcher.publish(version: 1, chunk: 0, to: &membership, into: &actions)
        return actions.compactMap { action in
            guard case .sendParameters(let peer, _, version: 1, chunk: 0) = action else { return nil }
            return peer.rawValue
        }
    }

    @Test("A worker that only audits a step is not sent the next weights: it will not compute with them")
    func auditors() {
        for processes in [1, 2].map({ ComputingProcesses(workers: $0, includesCoordinator: true) }) {
            var membership = ClusterFixture.membership(of: 3)
            let peers = sent(to: &membership, by: processes, isAudited: true)
            #expect(peers == (1...UInt32(processes.workers)).map { $0 })
        }
        var membership = ClusterFixture.membership(of: 3)
        #expect(sent(to: &membership, by: .coordinator, isAudited: true) == [])
    }

    /// What each peer is assigned.
    private func assigned(_ actions: [CoordinatorAction]) -> [UInt32: [UInt32]] {
        actions.reduce(into: [:]) { assigned, action in
            if case .assign(let peer, _, let item) = action { assigned[peer.rawValue, default: []].append(item.number) }
        }
    }

    @Test("A worker of three processes gets three of four shards, and six blocks at a time")
    func capacities() {
        var membership = ClusterFixture.membership(ofCapacities: [1, 3])
        #expect(membership.count == 2 && membership.activeCount == 4)
        var dispatcher = Dispatcher(configuration: ClusterFixture.configuration())
        var actions: [CoordinatorAction] = []
        dispatcher.begin(step: 0, SummationTree(shards: 4, samples: 40), isAudited: false)
        dispatcher.assignStep(to: &membership, by: nil, now: .zero, into: &actions)
        #expect(assigned(actions) == [1: [4], 2: [5, 3]])
        actions.removeAll()
        for index in membership.indices { membership[index].queue = WorkQueue(processes: membership[index].capacity) }
        dispatcher.begin(evaluationOf: 1, blocks: Array(0..<20))
        dispatcher.assignPending(to: &membership, now: .zero, into: &actions)
        #expect(assigned(actions).mapValues(\.count) == [1: 2, 2: 6])
    }

    @Test("An aggregator's step is the nodes that it was assigned: its workers share them, and it ends with them")
    func nodes() {
        var membership = ClusterFixture.membership(of: 2)
        var dispatcher = Dispatcher(configuration: ClusterFixture.configuration())
        var actions: [CoordinatorAction] = []
        let tree = SummationTree(shards: 8, samples: 80)
        let wanted = [NodeID(rawValue: 5), NodeID(rawValue: 6)]
        dispatcher.begin(step: 3, tree, nodes: wanted, isAudited: false)
        dispatcher.assignStep(to: &membership, by: nil, now: .zero, into: &actions)
        #expect(assigned(actions) == [1: [5], 2: [6]])
        let foreign = WorkItem.node(4, step: 3)
        membership[0].queue.append(Assignment(item: foreign, sampleCount: 20), at: .zero)
        let isForeignExpected = dispatcher.expects(foreign, from: membership[0])
        #expect(!isForeignExpected)
        for (index, node) in [(0, 5), (1, 6)] as [(Int, UInt32)] {
            let isExpected = dispatcher.expects(.node(node, step: 3), from: membership[index])
            #expect(isExpected && dispatcher.isComplete == false)
            dispatcher.receive(.node(node, step: 3), from: index, of: &membership, now: .zero, into: &actions)
        }
        #expect(dispatcher.isComplete == true)
    }

    @Test("Blocks that are assigned later belong to the evaluation under way; those of other weights begin another")
    func blocks() {
        var membership = ClusterFixture.membership(of: 1)
        var dispatcher = Dispatcher(configuration: ClusterFixture.configuration())
        var actions: [CoordinatorAction] = []
        dispatcher.add([1, 2], ofEvaluationOf: 4)
        dispatcher.add([2, 3], ofEvaluationOf: 4)
        dispatcher.assignPending(to: &membership, now: .zero, into: &actions)
        for number in 1...3 as ClosedRange<UInt32> {
            #expect(dispatcher.isComplete == false)
            dispatcher.receive(.block(number, version: 4), from: 0, of: &membership, now: .zero, into: &actions)
        }
        #expect(dispatcher.isComplete == true && assigned(actions) == [1: [1, 2, 3]])
        dispatcher.add([7], ofEvaluationOf: 5)
        #expect(dispatcher.step == 5 && dispatcher.isComplete == false)
    }

    @Test("Where all workers compute, all are sent the next weights, audited or not", arguments: [true, false])
    func all(isAudited: Bool) {
        var membership = ClusterFixture.membership(of: 3)
        #expect(sent(to: &membership, by: nil, isAudited: isAudited) == [1, 2, 3])
    }
}
