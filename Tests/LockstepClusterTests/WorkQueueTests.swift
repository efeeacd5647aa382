import LockstepSharding
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("A worker's queue")
struct WorkQueueTests {
    private func assignment(_ number: UInt32, _ samples: Int) -> Assignment {
        Assignment(item: .node(number), sampleCount: samples)
    }

    @Test("The first item's time runs from its assignment, or from the answer before; another's is unknown")
    func times() {
        var queue = WorkQueue()
        queue.append(assignment(4, 10), at: .milliseconds(100))
        queue.append(assignment(5, 20), at: .milliseconds(150))
        queue.append(assignment(6, 30), at: .milliseconds(160))
        #expect(queue.busySince == .milliseconds(100) && queue.load(upTo: 1) == 30)
        #expect(queue.remove(.node(5), at: .milliseconds(170))?.seconds == nil)
        #expect(queue.busySince == .milliseconds(100))
        #expect(queue.remove(.node(4), at: .milliseconds(200))?.seconds == 0.1)
        #expect(queue.busySeconds(at: .milliseconds(264)) == 0.064)
        #expect(queue.remove(.node(4), at: .milliseconds(264)) == nil)
        #expect(queue.remove(.node(6), at: .milliseconds(300))?.assignment == assignment(6, 30))
        #expect(queue.isEmpty && queue.first == nil)
        queue.append(assignment(7, 1), at: .milliseconds(900))
        #expect(queue.busySince == .milliseconds(900))
    }

    @Test("Of several processes each has its part of a node, and blocks of its own, whose times overlap")
    func processes() {
        var queue = WorkQueue(processes: 4)
        queue.append(assignment(4, 10), at: .zero)
        #expect(queue.load(upTo: 0) == 2.5)
        #expect(queue.remove(.node(4), at: .milliseconds(100))?.seconds == 0.1)
        for number in 1...5 as ClosedRange<UInt32> {
            queue.append(Assignment(item: .block(number), sampleCount: 1), at: .milliseconds(200))
        }
        #expect((0..<5).map { queue.load(upTo: $0) } == [1, 1, 1, 1, 2])
        #expect(queue.remove(.block(1), at: .milliseconds(300))?.seconds == nil)
        #expect(queue.busySince == .milliseconds(300))
    }

    @Test("An answer arrives once its first part has come, and only if nothing else is left")
    func arrival() {
        var queue = WorkQueue()
        queue.append(assignment(4, 10), at: .zero)
        #expect(!queue.isArriving(ofStep: 0))
        queue.beginArrival(of: .node(4))
        #expect(queue.isArriving(ofStep: 0) && !queue.isArriving(ofStep: 1))
        queue.append(assignment(5, 10), at: .zero)
        #expect(!queue.isArriving(ofStep: 0))
        _ = queue.remove(.node(4), at: .zero)
        #expect(!queue.isArriving(ofStep: 0))
    }
}

@Suite("The work of a step or an evaluation")
struct StepWorkTests {
    @Test("The largest waiting nodes are split first, down to the leaves; nodes of an audited step stay whole")
    func splitting() {
        let tree = SummationTree(shards: 3, samples: 30)
        for (count, isAudited, expected) in [(1, false, 1), (2, false, 2), (3, false, 3), (9, false, 3), (9, true, 1)] {
            var work = StepWork(step: 0, tree: tree, isAudited: isAudited)
            work.enqueue(tree.root.rawValue)
            work.split(to: count)
            #expect(work.pending.count == expected)
            #expect(work.pending.reduce(0) { $0 + work.sampleCount(of: $1) } == 30)
        }
    }

    @Test("It includes items of its own kind and step")
    func items() {
        let step = StepWork(step: 4, tree: SummationTree(shards: 1, samples: 3), isAudited: false)
        #expect(step.includes(.node(1, step: 4)) && !step.includes(.node(1, step: 3)))
        #expect(!step.includes(.block(1, version: 4)) && step.item(1) == .node(1, step: 4))
        #expect(step.sampleCount(of: 1) == 3 && step.sampleCount(of: 0) == 0)
        #expect(StepWork.itemsPerWorker(step.kind, processes: 4) == 1)
        var evaluation = StepWork(evaluationOf: 4, blocks: [7, 8])
        #expect(evaluation.item(7) == .block(7, version: 4))
        #expect(StepWork.itemsPerWorker(evaluation.kind, processes: 3) == 6)
        evaluation.complete(block: 7)
        #expect(!evaluation.isComplete && evaluation.isAnswered(block: 7) && !evaluation.isAnswered(block: 8))
        evaluation.complete(block: 8)
        #expect(evaluation.isComplete && StepWork(evaluationOf: 4, blocks: []).isComplete)
    }
}
