import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Speculative execution")
struct SpeculationTests {
    private typealias Fixture = ClusterFixture
    private let tree = SummationTree(shards: 2, samples: 20)
    /// Ten samples each.
    private let left: UInt32 = 2
    private let right: UInt32 = 3

    /// A cluster with a step under way.
    private struct Scene: ~Copyable {
        var membership: Membership
        var assignments = Assignments(splitsRoot: false)
        var speculation = Speculation(deadlines: Deadlines())

        init(members: UInt32, _ tree: SummationTree, isAudited: Bool = false) {
            membership = Fixture.membership(of: members)
            assignments.begin(step: 0, tree, isAudited: isAudited)
            speculation.beginWork()
        }

        mutating func assign(_ number: UInt32, to index: Int, at milliseconds: Double) {
            guard let assignment = assignments.assignment(number) else { return }
            membership[index].queue.append(assignment, at: .milliseconds(milliseconds))
            speculation.scheduleLateCheck(of: membership[index].queue)
        }

        mutating func answer(_ number: UInt32, by index: Int, at milliseconds: Double) {
            guard let answered = membership[index].queue.remove(.node(number), at: .milliseconds(milliseconds)) else {
                return
            }
            speculation.record(answered, by: &membership[index], step: 0)
            _ = assignments.receive(.node(number), from: membership[index])
        }

        /// Lets members answer a step before this one, in so many milliseconds for ten samples.
        mutating func rehearse(_ milliseconds: [Double]) {
            for (index, duration) in milliseconds.enumerated() {
                let assignment = Assignment(item: .node(2, step: 99), sampleCount: 10)
                membership[index].queue.append(assignment, at: .zero)
                if let answered = membership[index].queue.remove(assignment.item, at: .milliseconds(duration)) {
                    speculation.record(answered, by: &membership[index], step: 0)
                }
            }
        }

        mutating func late(at milliseconds: Double) -> [WorkItem] {
            speculation.lateItems(of: assignments, in: membership, now: .milliseconds(milliseconds))
        }
    }

    @Test(
        "An item is late after twice the median time of its samples, but not before 20 ms",
        arguments: [
            (5.0, 20.0), (10, 20), (50, 100), (400, 800),
        ])
    func lateness(median: Double, due: Double) {
        var scene = Scene(members: 2, tree)
        scene.rehearse([median, median])
        scene.assign(left, to: 0, at: 1_000)
        #expect(scene.late(at: 1_000 + due - 0.1) == [])
        #expect(scene.late(at: 1_000 + due + 0.1) == [.node(left)])
    }

    @Test("The item that is late longest comes first, and one of two holders must be late, too")
    func order() {
        var scene = Scene(members: 3, tree)
        scene.assign(right, to: 1, at: 0)
        scene.assign(left, to: 0, at: 5)
        scene.assign(left, to: 2, at: 10)
        #expect(scene.late(at: 26) == [.node(right)])
        #expect(scene.speculation.nextLateCheck == .milliseconds(30))
        #expect(scene.late(at: 30) == [.node(right), .node(left)])
        scene.answer(right, by: 1, at: 31)
        scene.speculation.postpone(hasIdle: false, now: .milliseconds(31))
        // An answered item is not late, and the answer shows that ten samples take 31 ms.
        #expect(scene.late(at: 71.9) == [])
        #expect(scene.late(at: 72.1) == [.node(left)])
    }

    @Test("A late item goes to the first idle member that is not backed off, else to the first idle member")
    func idleMember() {
        var scene = Scene(members: 3, tree)
        scene.assign(left, to: 0, at: 0)
        var actions: [CoordinatorAction] = []
        func idleMember(_ scene: borrowing Scene) -> Int? {
            scene.speculation.idleMember(for: .node(2), of: scene.assignments, in: scene.membership)
        }
        #expect(idleMember(scene) == 1)
        for index in 1...2 {
            scene.assign(right, to: index, at: 0)
            scene.speculation.recordStraggle(with: .node(right), in: &scene.membership, into: &actions)
            scene.answer(right, by: index, at: 50)
            if index == 1 {
                _ = scene.membership.beginStep()
                #expect(idleMember(scene) == 2)
            }
        }
        _ = scene.membership.beginStep()
        #expect(idleMember(scene) == 2 || idleMember(scene) == 1)
        #expect(actions == [])
    }

    /// The medians of the idle member and of the holder, in milliseconds for ten samples; when the idle one has answered.
    @Test(
        "An idle member is given the node of a slower one if it would finish first, with a margin",
        arguments: [
            (10.0, 40.0, 10.0, true), (10, 40, 27, true), (10, 40, 28, false), (10, 22, 10, false), (15, 35, 15, true),
            (1, 8, 1, false),
        ])
    func faster(own: Double, other: Double, now: Double, isFaster: Bool) {
        var scene = Scene(members: 2, tree)
        scene.rehearse([own, other])
        scene.assign(left, to: 0, at: 0)
        scene.assign(right, to: 1, at: 0)
        scene.answer(left, by: 0, at: now)
        let item = scene.speculation.nodeToSpeculateOn(
            by: 0, of: scene.assignments, in: scene.membership, now: .milliseconds(now))
        #expect(item == (isFaster ? .node(right) : nil))
    }

    @Test("Neither in an audit, nor with two holders, nor by a member that is busy or backed off")
    func notFaster() {
        for isAudited in [false, true] {
            var scene = Scene(members: 3, tree, isAudited: isAudited)
            scene.rehearse([10, 100, 100])
            scene.assign(right, to: 1, at: 0)
            func item(_ scene: borrowing Scene, by index: Int) -> WorkItem? {
                scene.speculation.nodeToSpeculateOn(
                    by: index, of: scene.assignments, in: scene.membership, now: .milliseconds(1))
            }
            #expect(item(scene, by: 0) == (isAudited ? nil : .node(right)))
            #expect(item(scene, by: 1) == nil, "it holds the node")
            scene.assign(right, to: 2, at: 0)
            #expect(item(scene, by: 0) == nil, "there are two holders")
        }
    }

    @Test("A worker that straggles often and is twice as slow as the median is reported once")
    func reporting() {
        var scene = Scene(members: 2, tree)
        var actions: [CoordinatorAction] = []
        for _ in 0..<4 { scene.rehearse([10, 40]) }
        scene.rehearse([10])
        for round in 1...50 {
            scene.membership[1].queue.append(Assignment(item: .node(right), sampleCount: 10), at: .zero)
            scene.speculation.recordStraggle(with: .node(right), in: &scene.membership, into: &actions)
            scene.speculation.recordStraggle(with: .node(right), in: &scene.membership, into: &actions)
            _ = scene.membership[1].queue.remove(.node(right), at: .zero)
            scene.membership[1].stragglerRecord.finish(hadNodes: true)
            #expect(actions.count == (round < Speculation.stragglesUntilReported ? 0 : 1))
        }
        #expect(actions == [.notify(.slow(Fixture.info(2), seconds: 0.004, median: 0.001, times: 20))])
    }

    @Test("A worker is evicted after twenty medians, at least 5 s, and each eviction doubles the time")
    func evictions() {
        var scene = Scene(members: 1, tree)
        scene.assign(left, to: 0, at: 0)
        func deadline(_ scene: borrowing Scene) -> Instant? {
            scene.speculation.evictionDeadline(of: scene.membership[0])
        }
        #expect(deadline(scene) == .milliseconds(60_000), "nothing is known before the first answer")
        scene.speculation.recordEviction()
        #expect(deadline(scene) == .milliseconds(120_000))
        scene.answer(left, by: 0, at: 1_000)
        #expect(deadline(scene) == nil)
        scene.assign(left, to: 0, at: 0)
        #expect(deadline(scene) == .milliseconds(20_000), "an answer ends the doubling")
    }
}

@Suite("What is remembered of a straggler")
struct StragglerRecordTests {
    @Test("It is backed off for 1, 2, 4, 8, 16, 16 steps while it straggles again and again")
    func backOff() {
        var record = StragglerRecord()
        for expected in [1, 2, 4, 8, 16, 16] {
            #expect(record.recordStraggle() != nil && record.recordStraggle() == nil, "once for each assignment")
            record.finish(hadNodes: true)
            var steps = 0
            record.beginStep()
            while record.isBackedOff {
                steps += 1
                record.beginStep()
            }
            #expect(steps == expected)
        }
        // One step answered in time resets it.
        record.finish(hadNodes: false)
        #expect(record.recordStraggle() == 7)
        record.finish(hadNodes: true)
        record.finish(hadNodes: true)
        _ = record.recordStraggle()
        #expect(record.backOff == 1)
    }

    @Test("It is reported once")
    func report() {
        var record = StragglerRecord()
        let reports = [record.report(), record.report(), record.report()]
        #expect(reports == [true, false, false])
    }
}
