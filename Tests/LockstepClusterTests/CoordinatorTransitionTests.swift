import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

/// Whole stories of a cluster: for each event the exact actions.
@Suite("Transitions of the coordinator")
struct CoordinatorTransitionTests {
    private typealias Fixture = ClusterFixture

    /// Something that happens, milliseconds after the beginning, and the actions that follow.
    private struct Transition {
        let time: Double
        let event: CoordinatorEvent
        let expected: [CoordinatorAction]

        init(_ time: Double, _ event: CoordinatorEvent, _ expected: [CoordinatorAction]) {
            self.time = time
            self.event = event
            self.expected = expected
        }
    }

    /// The root 1 and its halves 2 and 3, of ten samples each.
    private static let tree = SummationTree(shards: 2, samples: 20)

    private static func hello(_ number: UInt32) -> Transition {
        Transition(
            0, .hello(PeerID(rawValue: number), Fixture.hello(number)),
            [.welcome(PeerID(rawValue: number), MemberID(rawValue: number))])
    }

    private static func ready(_ number: UInt32) -> Transition {
        Transition(
            0, .ready(PeerID(rawValue: number), MemberID(rawValue: number), Fixture.ready, sharesMemory: true),
            [.notify(.joined(Fixture.info(number), active: Int(number)))])
    }

    private func play(
        _ transitions: [Transition], configuration: CoordinatorMachine.Configuration = Fixture.configuration()
    ) -> MembershipCounts {
        var machine = CoordinatorMachine(configuration: configuration, now: .zero)
        for (number, transition) in transitions.enumerated() {
            var actions: [CoordinatorAction] = []
            machine.handle(transition.event, now: .milliseconds(transition.time), into: &actions)
            #expect(actions == transition.expected, "event \(number), \(transition.event)")
        }
        return machine.counts
    }

    private static let twoMembers = [hello(1), hello(2), ready(1), ready(2)]

    @Test("A step: each worker computes its half, and a spare is told of the step")
    func step() {
        let counts = play(
            Self.twoMembers + [Self.hello(3), Self.ready(3)] + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3)), .assign(3, 3, .node(0))]),
                Transition(2, .answered(3, 3, .node(0)), []),
                Transition(3, .answered(1, 1, .node(2)), []),
                Transition(3, .answered(1, 1, .node(2)), []),
                Transition(4, .answered(2, 2, .node(3)), []),
                Transition(
                    5, .beginEvaluation(version: 1, blocks: [0, 1]),
                    [
                        .assign(1, 1, .block(0, version: 1)), .assign(2, 2, .block(1, version: 1)),
                    ]),
                Transition(
                    6, .stop(Goodbye(code: .finished, message: "")),
                    [
                        .dismiss(1, 1, Goodbye(code: .finished, message: "")),
                        .dismiss(2, 2, Goodbye(code: .finished, message: "")),
                        .dismiss(3, 3, Goodbye(code: .finished, message: "")),
                    ]),
            ])
        #expect(counts.joined == 3 && counts.lost == 0 && counts.speculativeItems == 0)
    }

    @Test("A lost worker's node goes to the idle one at once, and the last one is waited for")
    func lost() {
        let counts = play(
            Self.twoMembers + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(2, .answered(1, 1, .node(2)), []),
                Transition(
                    3, .peerLost(2, reason: "killed"),
                    [
                        .notify(.lost(Fixture.info(2), reason: "killed", shardsReassigned: 1, active: 1)),
                        .assign(1, 1, .node(3)),
                    ]),
                Transition(
                    4, .goodbye(1, 1, Goodbye(code: .stopping, message: "m")),
                    [
                        .notify(.left(Fixture.info(1), Goodbye(code: .stopping, message: "m"), active: 0)),
                        .notify(.waiting(seconds: 60)),
                    ]),
                Transition(5, .hello(7, Fixture.hello(7)), [.welcome(7, 3)]),
                Transition(
                    6, .ready(7, 3, Fixture.ready, sharesMemory: true),
                    [
                        .notify(.joined(Fixture.info(3, process: 7), active: 1)), .assign(7, 3, .node(3)),
                    ]),
                Transition(7, .answered(7, 3, .node(3)), []),
            ])
        #expect(counts.lost == 1 && counts.joined == 3 && counts.shardsReassigned == 2)
    }

    @Test("The run fails if too few workers join within the time that counts")
    func failures() {
        _ = play([
            Transition(0, .tick, []),
            Transition(1, .tick, []),
        ])
        // Between two events at most a second counts.
        var machine = CoordinatorMachine(configuration: Fixture.configuration(), now: .zero)
        var actions: [CoordinatorAction] = []
        for second in 1...59 { machine.handle(.tick, now: .milliseconds(Double(second) * 1_000), into: &actions) }
        #expect(actions == [])
        machine.handle(.tick, now: .milliseconds(60_000), into: &actions)
        #expect(actions == [.fail(.tooFewWorkers(joined: 0, needed: 1, seconds: 60))])
    }

    @Test("A late node is given to the idle worker too, and the first answer counts")
    func late() {
        let counts = play(
            Self.twoMembers + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(11, .answered(1, 1, .node(2)), []),
                Transition(20, .tick, []),
                Transition(22, .tick, [.assign(1, 1, .node(3))]),
                Transition(30, .answered(1, 1, .node(3)), []),
                // The straggler still computes: the next step goes without it.
                Transition(31, .beginStep(1, Self.tree, isAudited: false), [.assign(1, 1, .node(1, step: 1))]),
                Transition(33, .answered(2, 2, .node(3)), []),
                Transition(40, .answered(1, 1, .node(1, step: 1)), []),
                // It is backed off once more, and gets an empty assignment.
                Transition(
                    41, .beginStep(2, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(1, step: 2)), .assign(2, 2, .node(0, step: 2))]),
                Transition(42, .answered(2, 2, .node(0, step: 2)), []),
                Transition(50, .answered(1, 1, .node(1, step: 2)), []),
                Transition(
                    51, .beginStep(3, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2, step: 3)), .assign(2, 2, .node(3, step: 3))]),
            ])
        #expect(counts.speculativeItems == 1 && counts.lost == 0)
    }

    @Test("An audit: equal copies count, of different ones the coordinator finds the faulty worker")
    func audit() {
        let counts = play(
            Self.twoMembers + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: true),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(2, .answered(1, 1, .node(2)), [.assign(1, 1, .node(3))]),
                Transition(3, .answered(2, 2, .node(3)), [.assign(2, 2, .node(2))]),
                Transition(4, .answered(1, 1, .node(3)), [.compare(.node(3), 2, 1)]),
                Transition(4, .compared(.node(3), areEqual: true), []),
                Transition(5, .answered(2, 2, .node(2)), [.compare(.node(2), 1, 2)]),
                Transition(5, .compared(.node(2), areEqual: false), [.recompute(.node(2), copies: [1, 2])]),
                Transition(
                    6, .recomputed(.node(2), wrong: [2]),
                    [
                        .refuse(
                            2,
                            Refusal(
                                code: .quarantined,
                                message:
                                    "its answer for node 2 of step 0 was wrong; check the host's memory and processor")),
                        .notify(.quarantined(Fixture.info(2), step: 0, node: 2, active: 1)),
                    ]),
            ])
        #expect(counts.quarantined == 1 && counts.stepsAudited == 1 && counts.lost == 0)
    }

    @Test("A step that is abandoned is not handed on; a member with a wrong answer goes, the weights are sent again")
    func abandoned() {
        let counts = play(
            Self.twoMembers + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(2, .answered(1, 1, .node(2)), []),
                Transition(2, .abandoned, []),
                Transition(
                    2, .refuted(.node(2), 1),
                    [
                        .refuse(
                            1,
                            Refusal(
                                code: .quarantined,
                                message:
                                    "its answer for node 2 of step 0 was wrong; check the host's memory and processor")),
                        .notify(.quarantined(Fixture.info(1), step: 0, node: 2, active: 1)),
                    ]),
                // The other one still computes the step, whose answer is not wanted; then it gets an earlier step or a later.
                Transition(3, .tick, []),
                Transition(4, .answered(2, 2, .node(3)), []),
                Transition(5, .beginStep(0, Self.tree, isAudited: false), [.assign(2, 2, .node(1))]),
            ])
        #expect(counts.quarantined == 1 && counts.lost == 0 && counts.shardsReassigned == 0)
    }

    @Test("A worker whose data set has changed leaves, and its node goes to the other one")
    func dataChanged() {
        let counts = play(
            Self.twoMembers + [
                Transition(
                    1, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(2, .answered(1, 1, .node(2)), []),
                Transition(
                    3, .goodbye(2, 2, Goodbye(code: .dataChanged, message: "m")),
                    [
                        .notify(.dataChanged(Fixture.info(2), active: 1, isHostExcluded: false)),
                        .assign(1, 1, .node(3)),
                    ]),
                // An old message, and that of a peer which has proved nothing: neither says anything about results.
                Transition(4, .goodbye(2, 2, Goodbye(code: .dataChanged, message: "m")), []),
                Transition(5, .hello(7, Fixture.hello(7)), [.welcome(7, 3)]),
                Transition(
                    6, .goodbye(7, 3, Goodbye(code: .dataChanged, message: "m")),
                    [.notify(.notProved(Fixture.info(3, process: 7), reason: "m", saidGoodbye: true))]),
                Transition(7, .answered(1, 1, .node(3)), []),
            ])
        #expect(counts.lost == 0 && counts.joined == 2 && counts.shardsReassigned == 1)
    }

    @Test("Where the coordinator is fastest alone it computes the step, and tells no worker")
    func alone() {
        _ = play(
            Self.twoMembers + [
                Transition(1, .predicted(seconds: [1e-5, 1e-3, 1e-3]), []),
                Transition(2, .beginStep(0, Self.tree, isAudited: false), [.computeHere(.node(1))]),
                Transition(
                    5, .beginStep(1, Self.tree, isAudited: true),
                    [.assign(1, 1, .node(2, step: 1)), .assign(2, 2, .node(3, step: 1))]),
            ], configuration: Fixture.configuration(tunesWorkerCount: true))
    }

    @Test("The coordinator beside one worker computes the last node, once the worker is told its own")
    func share() {
        let counts = play(
            Self.twoMembers + [
                Transition(1, .predicted(seconds: [1, 1, 1], withCoordinator: [0.1, 0.2]), []),
                Transition(
                    2, .beginStep(0, Self.tree, isAudited: false), [.assign(1, 1, .node(2)), .computeShare(.node(3))]),
                Transition(3, .computed(.node(3)), []),
                // The lost worker's node goes to the member on standby; the coordinator's own stays answered.
                Transition(
                    4, .peerLost(1, reason: "gone"),
                    [
                        .notify(.lost(Fixture.info(1), reason: "gone", shardsReassigned: 1, active: 1)),
                        .assign(2, 2, .node(2)),
                    ]),
                Transition(5, .answered(2, 2, .node(2)), []),
                Transition(6, .computed(.node(3)), []),
                Transition(
                    7, .beginStep(1, Self.tree, isAudited: true), [.assign(2, 2, .node(1, step: 1))]),
            ], configuration: Fixture.configuration(tunesWorkerCount: true))
        #expect(counts.shardsReassigned == 1)
    }

    @Test("Two workers of three are fastest: the third is on standby and told nothing")
    func standby() {
        let counts = play(
            Self.twoMembers + [Self.hello(3), Self.ready(3)] + [
                Transition(1, .predicted(seconds: [1, 0.6, 0.1, 0.5]), []),
                Transition(
                    2, .beginStep(0, Self.tree, isAudited: false),
                    [.assign(1, 1, .node(2)), .assign(2, 2, .node(3))]),
                Transition(
                    3, .peerLost(1, reason: "gone"),
                    [
                        .notify(.lost(Fixture.info(1), reason: "gone", shardsReassigned: 1, active: 2)),
                        .assign(3, 3, .node(2)),
                    ]),
            ], configuration: Fixture.configuration(tunesWorkerCount: true))
        #expect(counts.shardsReassigned == 1)
    }
}
