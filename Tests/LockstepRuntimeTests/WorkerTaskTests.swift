import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// A worker's task, without a worker: what it sends is what the coordinator itself would compute.
@Suite("A worker's task")
struct WorkerTaskTests {
    private let run: TrainingRun
    private let computer: ShardComputer
    private let weights: VersionedParameters

    init() throws {
        try self.init(.float32)
    }

    private init(_ dataType: CommunicationDataType) throws {
        run = try ThreadCluster.prepare(shards: 4, dataType: dataType)
        computer = try run.makeShardComputer()
        weights = try run.initialParameters()
    }

    private var welcome: Welcome { Welcome(configuration: run.configuration, dataset: run.dataset.description) }

    /// A task that has proved itself and received the weights of step 0.
    private func task(_ welcome: Welcome? = nil) throws -> WorkerTask {
        let task = try WorkerTask(welcome ?? self.welcome, forcedKernel: nil)
        _ = try task.prove(run.dataset)
        let encoded = EncodedFloats(chunks: task.chunks)
        for (index, chunk) in task.chunks.chunks.enumerated() {
            let floats = weights.forward(0)
            let bytes =
                task.elementSize(ofVersion: 0) == 2
                ? encoded.bytes(of: index, from: floats)
                : UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: floats.buffer[chunk.range]))
            // In two parts, as a slow link takes them.
            let (count, size) = (chunk.range.count, task.elementSize(ofVersion: 0))
            for part in [0..<count / 2, count / 2..<count] {
                let sent = bytes[part.lowerBound * size..<part.upperBound * size]
                task.store(
                    try Message(copying: UnsafeRawBufferPointer(rebasing: sent)), version: 0,
                    ChunkPart(chunk: index, elements: part, of: count))
            }
        }
        return task
    }

    private func item(_ node: NodeID, step: UInt64 = 0) -> WorkItem {
        WorkItem(kind: .node, step: step, number: node.rawValue)
    }

    /// What the task sends for a node: its loss, and each chunk's bytes in the layout's order, which lie in the task's memory.
    private func answer(_ task: WorkerTask, _ item: WorkItem) throws -> (
        loss: Double?, chunks: [UnsafeRawBufferPointer?]
    ) {
        var chunks = [UnsafeRawBufferPointer?](repeating: nil, count: task.chunks.chunks.count)
        let loss = try task.gradient(of: item, slot: 0) { chunk, bytes in
            let index = task.chunks.chunks.firstIndex { $0 == chunk }
            if let index { chunks[index] = bytes }
        } finish: { _ in
            Issue.record("without shared memory there is no gradient in it")
        }
        return (loss, chunks)
    }

    /// The node's gradient as this process computes it, and its loss.
    private func expected(_ node: NodeID, step: UInt64 = 0) -> (loss: Double, gradient: FloatBuffer) {
        let gradient = FloatBuffer(count: run.layout.count)
        let loss = computer.gradient(
            of: node, in: Batch(step: step, schedule: computer.schedule), weights: weights.forward(0).pointer,
            into: gradient.pointer
        ) { _ in }
        return (loss, gradient)
    }

    @Test("Its proof is the coordinator's own fingerprint")
    func proof() throws {
        let task = try WorkerTask(welcome, forcedKernel: nil)
        #expect(try task.prove(run.dataset) == Ready(kernel: run.library.kernel, computer.fingerprint()))
    }

    @Test("Loss and gradient of every node are those of the coordinator, bit for bit")
    func gradients() throws {
        let task = try task()
        defer { withExtendedLifetime(task) {} }
        for node in Batch(step: 0, schedule: computer.schedule).tree.leaves + [NodeID(rawValue: 1)] {
            let (loss, chunks) = try answer(task, item(node))
            let (expectedLoss, gradient) = expected(node)
            #expect(loss?.bitPattern == expectedLoss.bitPattern)
            for (chunk, bytes) in zip(task.chunks.chunks, chunks) {
                let own = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: gradient.buffer[chunk.range]))
                #expect(bytes?.elementsEqual(own) == true, "\(node), chunk \(chunk)")
            }
        }
    }

    @Test("Where floats are sent as bfloat16, weights are decoded and gradients encoded")
    func rounded() throws {
        let rounded = try WorkerTaskTests(.bfloat16)
        let task = try rounded.task()
        defer { withExtendedLifetime(task) {} }
        let leaf = try #require(Batch(step: 0, schedule: rounded.computer.schedule).tree.leaves.first)
        let (loss, chunks) = try rounded.answer(task, rounded.item(leaf))
        let (expectedLoss, gradient) = rounded.expected(leaf)
        #expect(loss?.bitPattern == expectedLoss.bitPattern)
        let encoded = EncodedFloats(chunks: task.chunks)
        for (index, bytes) in chunks.enumerated() {
            #expect(bytes?.elementsEqual(encoded.bytes(of: index, from: gradient)) == true, "chunk \(index)")
        }
        // Weights that are only evaluated are sent in full.
        #expect(task.elementSize(ofVersion: 7) == 2 && task.elementSize(ofVersion: 1 << 47 | 8) == 4)
    }

    @Test("Each node of a step has a buffer of its own, and the next step uses them again")
    func buffers() throws {
        let task = try task()
        defer { withExtendedLifetime(task) {} }
        let leaves = Batch(step: 0, schedule: computer.schedule).tree.leaves
        let first = try answer(task, item(leaves[0])).chunks
        let bytes = first.map { $0.map(Array.init) }
        let second = try answer(task, item(leaves[1])).chunks
        #expect(first[0]?.baseAddress != second[0]?.baseAddress)
        #expect(first.map { $0.map(Array.init) } == bytes, "libzmq may not have sent it yet")
        let next = try answer(task, item(leaves[0], step: 1)).chunks
        #expect(next[0]?.baseAddress == first[0]?.baseAddress)
    }

    @Test("A node that the step does not have, and any before the proof, is no work")
    func impossible() throws {
        let proved = try task()
        for number in [0, 77, .max] as [UInt32] {
            #expect(try answer(proved, item(NodeID(rawValue: number))).loss == nil)
        }
        let unproved = try WorkerTask(welcome, forcedKernel: nil)
        #expect(try answer(unproved, item(NodeID(rawValue: 1))).loss == nil)
    }

    @Test("A block's score is the coordinator's, and there are no scores of other blocks")
    func scores() throws {
        let task = try task()
        func score(_ unit: UInt32) throws -> BlockScore? {
            try task.score(of: WorkItem(kind: .block, step: 0, number: unit))
        }
        for split in [Split.validation, .test] {
            let found = try score(EvaluationUnit(split, block: 0).rawValue)
            #expect(found == computer.evaluator.score(of: split, block: 0, weights: weights.current.pointer))
            #expect(found?.total == 20)
            #expect(try score(EvaluationUnit(split, block: 1).rawValue) == nil)
        }
        #expect(try score(200 << 24) == nil)
    }

    @Test("A data set of its own is read again now and then, and a changed bit is found")
    func ownData() throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: run.dataset.bytes.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyMemory(from: run.dataset.bytes)
        let own = try Dataset(
            description: run.dataset.description, bytes: UnsafeRawBufferPointer(memory), owner: run.dataset)
        let start = Instant.now
        let check = OwnDatasetCheck(own, now: start)
        memory[memory.count / 3] ^= 4
        let (node, block) = (
            WorkItem(kind: .node, step: 0, number: 1), WorkItem(kind: .block, step: 0, number: 0)
        )
        func isFound(before item: WorkItem, after seconds: Double) -> Bool {
            check.hasChanged(before: item, now: start.advanced(bySeconds: seconds))
        }
        #expect(!isFound(before: block, after: 0) && !isFound(before: node, after: 9))
        #expect(isFound(before: node, after: 60) && !isFound(before: block, after: 60.5))
        #expect(isFound(before: block, after: 62))
        // When the coordinator asks, or the worker has joined again, no interval counts.
        #expect(!isFound(before: node, after: 62.5) && check.hasChanged(now: start.advanced(bySeconds: 62.5)))
        check.expectCheck()
        #expect(isFound(before: node, after: 62.5) && !isFound(before: node, after: 62.6))
        memory[memory.count / 3] ^= 4
        #expect(!isFound(before: block, after: 64) && !check.hasChanged(now: start))
    }

    @Test("In a trial of the coordinator alone it sends every chunk and computes nothing")
    func noOp() throws {
        var welcome = welcome
        welcome.isNoOp = true
        let task = try task(welcome)
        defer { withExtendedLifetime(task) {} }
        let (loss, chunks) = try answer(task, item(NodeID(rawValue: 1)))
        #expect(loss == 0)
        #expect(chunks.allSatisfy { $0?.allSatisfy { $0 == 0 } == true })
    }

    @Test("A welcome with values that no run has is refused before anything is allocated for it")
    func hostile() throws {
        func refused(_ change: (inout Welcome) -> Void) {
            var welcome = welcome
            change(&welcome)
            #expect(throws: (any Error).self) { try WorkerTask(welcome, forcedKernel: nil) }
        }
        refused { $0.configuration.shards = 1_025 }
        refused { $0.configuration.shards = 0 }
        refused { $0.configuration.training.batch = 0 }
        refused { $0.configuration.network.sizes = [20, 1 << 40, 4] }
        refused { $0.configuration.network.sizes = [21, 7, 4] }
        refused { $0.dataset.trainingCount = .max }
        refused { $0.configuration.network.output = .softmax }
    }
}
