import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Assignments")
struct AssignmentsTests {
    private typealias Fixture = ClusterFixture
    /// Four shards: the root 1, its children 2 and 3, and the leaves below.
    private let tree = SummationTree(shards: 4, samples: 40)

    private func leaves(of node: UInt32) -> [UInt32] {
        tree.children(of: NodeID(rawValue: node)).map { [$0.left.rawValue, $0.right.rawValue] } ?? []
    }

    /// Hands everything out that waits; each item with the number of its member.
    private func handOut(_ assignments: inout Assignments, to membership: inout Membership) -> [[UInt32]] {
        var given: [[UInt32]] = []
        while let (number, index) = assignments.next(for: membership) {
            given.append([number, membership[index].id.rawValue])
            if let assignment = assignments.assignment(number) {
                membership[index].queue.append(assignment, at: .zero)
            }
        }
        return given
    }

    @Test("Without work everything is complete, and nothing waits")
    func empty() {
        let assignments = Assignments(splitsRoot: false)
        #expect(assignments.isComplete && !assignments.hasPending && assignments.step == nil)
        #expect(!assignments.isStep && !assignments.isEvaluation && !assignments.includes(.node(1)))
    }

    @Test("A whole step that waits is split into as many nodes as members are idle", arguments: 1...4)
    func splitting(members: UInt32) {
        var membership = Fixture.membership(of: members)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 0, tree, isAudited: false)
        assignments.enqueueWhole()
        let root = tree.root.rawValue
        let halves = leaves(of: root)
        let expected: [[UInt32]] =
            switch members {
            case 1: [[root, 1]]
            case 2: [[halves[0], 1], [halves[1], 2]]
            case 3: [[leaves(of: halves[0])[0], 1], [leaves(of: halves[0])[1], 2], [halves[1], 3]]
            default:
                [
                    [leaves(of: halves[0])[0], 1], [leaves(of: halves[0])[1], 2], [leaves(of: halves[1])[0], 3],
                    [leaves(of: halves[1])[1], 4],
                ]
            }
        #expect(handOut(&assignments, to: &membership) == expected)
        #expect(assignments.hasPending == false)
    }

    @Test("An evaluation gives each member a block, then each a second one, and no third")
    func blocks() {
        var membership = Fixture.membership(of: 2)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(evaluationOf: 5, blocks: [0, 1, 2, 3, 4])
        #expect(assignments.isEvaluation == true)
        #expect(handOut(&assignments, to: &membership) == [[0, 1], [1, 2], [2, 1], [3, 2]])
        #expect(assignments.hasPending == true)
        _ = membership[1].queue.remove(.block(3, version: 5), at: .zero)
        #expect(assignments.receive(.block(3, version: 5), from: membership[1]) == nil)
        #expect(handOut(&assignments, to: &membership) == [[4, 2]])
        for number: UInt32 in [0, 1, 2] { _ = assignments.receive(.block(number, version: 5), from: membership[0]) }
        #expect(assignments.isComplete == false)
        _ = assignments.receive(.block(4, version: 5), from: membership[1])
        #expect(assignments.isComplete == true)
    }

    @Test("A step is complete once the nodes that have come cover it, in any order and some of them twice")
    func completion() {
        let membership = Fixture.membership(of: 1)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 3, tree, isAudited: false)
        let halves = leaves(of: tree.root.rawValue)
        for number in [halves[1]] + leaves(of: halves[0]).prefix(1) + [halves[1], 0] {
            #expect(assignments.receive(.node(number, step: 3), from: membership[0]) == nil)
            #expect(assignments.isComplete == false)
        }
        #expect(assignments.receive(.node(halves[0], step: 2), from: membership[0]) == nil, "of another step")
        #expect(!assignments.isComplete && assignments.isWanted(.node(halves[0], step: 3)))
        #expect(assignments.isWanted(.node(halves[1], step: 3)) == false)
        _ = assignments.receive(.node(halves[0], step: 3), from: membership[0])
        #expect(assignments.isComplete == true)
    }

    @Test("Only an item of the work under way, which is not answered, is expected")
    func expectation() {
        let membership = Fixture.membership(of: 1)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 3, tree, isAudited: false)
        let halves = leaves(of: tree.root.rawValue)
        #expect(assignments.expects(.node(halves[0], step: 3), from: membership[0]) == true)
        #expect(assignments.expects(.node(0, step: 3), from: membership[0]) == false, "asks for an answer alone")
        #expect(assignments.expects(.node(halves[0], step: 2), from: membership[0]) == false)
        #expect(assignments.expects(.block(halves[0], version: 3), from: membership[0]) == false)
        _ = assignments.receive(.node(halves[0], step: 3), from: membership[0])
        #expect(assignments.expects(.node(halves[0], step: 3), from: membership[0]) == false)
    }

    @Test("What a lost member leaves behind waits again, unless it is answered or another member holds it too")
    func reclaiming() {
        var membership = Fixture.membership(of: 3)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 0, tree, isAudited: false)
        let halves = leaves(of: tree.root.rawValue)
        let held = (halves + [0]).compactMap { assignments.assignment($0) }
        for assignment in held { membership[0].queue.append(assignment, at: .zero) }
        membership[1].queue.append(held[1], at: .zero)
        let lost = membership.remove(at: 0)
        #expect(assignments.reclaim(lost.queue.assignments, membership: membership) == 2)
        #expect(handOut(&assignments, to: &membership) == [[halves[0], 3]])
        _ = assignments.receive(.node(halves[0]), from: membership[1])
        let other = membership.remove(at: 1)
        #expect(assignments.reclaim(other.queue.assignments, membership: membership) == 0)
        _ = assignments.receive(.node(halves[1]), from: membership[0])
        #expect(assignments.isComplete && assignments.reclaim(held, membership: membership) == 0)
    }

    @Test("An audited node's two copies go to two processes; without a second process the coordinator computes it")
    func audits() {
        var membership = Fixture.membership(of: 1)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 0, tree, isAudited: true)
        assignments.enqueueWhole()
        let root = tree.root.rawValue
        #expect(handOut(&assignments, to: &membership) == [[root, 1]], "one process gets one copy")
        #expect(assignments.secondCopiesWithoutWorker(in: membership) == [], "there is no first copy yet")
        _ = membership[0].queue.remove(.node(root), at: .zero)
        #expect(assignments.receive(.node(root), from: membership[0]) == nil)
        #expect(assignments.waitsForSecondCopy(of: root) == true)
        #expect(handOut(&assignments, to: &membership) == [])
        #expect(assignments.secondCopiesWithoutWorker(in: membership) == [root])
        var actions: [CoordinatorAction] = []
        assignments.recompute(root, into: &actions)
        #expect(actions == [.recompute(.node(root), copies: [1])])
        #expect(!assignments.waitsForSecondCopy(of: root) && !assignments.hasPending && !assignments.isComplete)
        assignments.completeAudit(of: .node(root))
        #expect(assignments.isComplete == true)
    }

    @Test("The second copy of an audited node gives the pair that is to be compared")
    func comparison() {
        var membership = Fixture.membership(of: 2)
        var assignments = Assignments(splitsRoot: false)
        assignments.begin(step: 0, tree, isAudited: true)
        assignments.enqueueWhole()
        let root = tree.root.rawValue
        #expect(handOut(&assignments, to: &membership) == [[root, 1], [root, 2]])
        #expect(assignments.receive(.node(root), from: membership[1]) == nil)
        let pair = assignments.receive(.node(root), from: membership[0])
        #expect(pair?.0 == 2 && pair?.1 == 1 && !assignments.isComplete)
        #expect(assignments.isWanted(.node(root)) == false, "both copies are there")
    }

    @Test("The coordinator can compute all that is left")
    func computingHere() {
        let membership = Fixture.membership(of: 1)
        var assignments = Assignments(splitsRoot: false)
        var actions: [CoordinatorAction] = []
        assignments.begin(evaluationOf: 5, blocks: [3, 1, 2])
        _ = assignments.receive(.block(1, version: 5), from: membership[0])
        assignments.computeHere(into: &actions)
        #expect(actions == [.computeHere(.block(2, version: 5)), .computeHere(.block(3, version: 5))])
        #expect(assignments.isComplete && !assignments.hasPending)
        assignments.computeHere(into: &actions)
        #expect(actions.count == 2)
    }
}
