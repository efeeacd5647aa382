import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// What a worker holds for one membership: the run's arithmetic, two versions of the weights, and its answers.
final class WorkerTask {
    let chunks: ChunkLayout
    let configuration: RunConfiguration
    private let forcedKernel: MatrixKernel?
    private let pretends: Bool
    /// Memory shared with the coordinator; nil where payload travels in messages.
    private(set) var regions: WorkerRegions?
    private let ownWeights: VersionedParameters
    private let layout: ParameterLayout
    private var computer: ShardComputer?
    let regionLayout: RegionLayout
    /// Follows this thread's phases, if the coordinator wants to know.
    let timeline: Timeline?
    /// Answers on their way in messages, by their place in the assignment. A worker that has answered everything gets new
    /// nodes, so a buffer is free again when its turn comes.
    private var gradients: [FloatBuffer] = []
    /// The same answers as they travel, where that is not as they stand.
    private var encoded: [EncodedFloats] = []
    /// Where the gradient of the node at hand goes in shared memory.
    var slot = 0
    private var lastStep: UInt64?
    private var turn = 0

    /// - Throws: What is wrong with the configuration, which nobody vouches for.
    init(_ welcome: Welcome, forcedKernel: MatrixKernel?) throws {
        try welcome.check()
        let shards = welcome.configuration.shards ?? 1
        self.configuration = welcome.configuration
        self.forcedKernel = forcedKernel
        self.pretends = welcome.pretends ?? false
        self.layout = try ParameterLayout(welcome.configuration.network)
        self.chunks = layout.chunks
        self.ownWeights = VersionedParameters(
            initial: FloatBuffer(count: layout.count), other: FloatBuffer(count: layout.count))
        self.timeline = welcome.timeline?.makeTimeline()
        self.regionLayout = RegionLayout(
            parameters: layout.count, shards: shards, wire: welcome.configuration.communicationDataType)
    }

    /// Begins a membership with this shared memory, or with none.
    func share(_ regions: WorkerRegions?) {
        self.regions = regions
    }

    private var weights: VersionedParameters { regions?.weights ?? ownWeights }

    /// Opens the run's kernel, or the best that this CPU has, and computes the fingerprint.
    func prove(_ dataset: Dataset) throws -> Ready {
        let wanted = forcedKernel ?? configuration.kernel ?? .portable
        let library = try MatrixLibrary.open(wanted.isSupported ? wanted : MatrixKernel.best ?? wanted)
        let computer = try ShardComputer(configuration: configuration, dataset: dataset, library: library)
        computer.timeline = timeline
        self.computer = computer
        return Ready(kernel: library.kernel, computer.fingerprint())
    }

    /// Bytes of an element of the weights of this version, as they travel: those of steps are rounded where the run says
    /// so, and those that are only evaluated are not.
    func elementSize(ofVersion version: UInt64) -> Int {
        VersionedParameters.isReplacement(version)
            ? FloatPayload.elementSize : configuration.communicationDataType.elementSize
    }

    /// Copies a chunk of the weights in.
    func store(_ payload: borrowing Message, version: UInt64, chunk: Int) {
        let range = chunks.chunks[chunk].range
        let floats = UnsafeMutableBufferPointer(rebasing: ownWeights[version].buffer[range])
        payload.withUnsafeBytes { bytes in
            if elementSize(ofVersion: version) == FloatPayload.elementSize {
                FloatPayload.copy(bytes, to: floats)
            } else if let base = bytes.baseAddress, let target = floats.baseAddress {
                decodeBFloat16(base, into: target, count: floats.count)
            }
        }
    }

    /// Computes a node, into shared memory or handing each chunk of its sum on as soon as it is final.
    ///
    /// - Parameters:
    ///   - unit: The node.
    ///   - slot: Where in shared memory it goes, if there is any.
    ///   - send: Called with each chunk that is to travel in a message.
    ///   - finish: Called with a gradient that lies in shared memory, before it is announced.
    /// - Returns: The node's loss; nil if the step has no such node, or the memory no such slot.
    /// - Throws: What `send` throws.
    func gradient(
        of unit: WorkItem, slot: Int, send: (ChunkLayout.Chunk, UnsafeRawBufferPointer) throws -> Void,
        finish: (UnsafeRawBufferPointer) -> Void
    ) throws -> Double? {
        guard let computer else { return nil }
        let batch = Batch(step: unit.step, schedule: computer.schedule)
        guard batch.tree.contains(unit.node) else { return nil }
        if let regions {
            guard let gradient = regions.gradient(slot: slot) else { return nil }
            if pretends { return 0 }
            let loss = computer.gradient(
                of: unit.node, in: batch, weights: weights.forward(unit.step).pointer, into: gradient
            ) { _ in }
            finish(UnsafeRawBufferPointer(UnsafeBufferPointer(start: gradient, count: layout.count)))
            return loss
        }
        let gradient = nextGradient(step: unit.step)
        if pretends {
            for (index, chunk) in chunks.chunks.enumerated() { try send(chunk, bytes(of: index, from: gradient)) }
            return 0
        }
        return try computer.gradient(
            of: unit.node, in: batch, weights: weights.forward(unit.step).pointer, into: gradient.pointer
        ) { segment in
            for index in chunks.chunks(ofSegment: segment) {
                try send(chunks.chunks[index], bytes(of: index, from: gradient))
            }
        }
    }

    /// A chunk of the gradient whose turn it is, as it travels.
    private func bytes(of chunk: Int, from gradient: FloatBuffer) -> UnsafeRawBufferPointer {
        guard configuration.communicationDataType == .float32 else {
            return encoded[turn].bytes(of: chunk, from: gradient)
        }
        return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: gradient.buffer[chunks.chunks[chunk].range]))
    }

    /// Scores an evaluation block; nil if there is no such block.
    func score(of unit: WorkItem) -> BlockScore? {
        guard
            let computer, case let named = EvaluationUnit(rawValue: unit.number), let split = named.dataSplit,
            case let block = named.block, block < computer.evaluator.blocks(of: split).count
        else { return nil }
        return computer.evaluator.score(of: split, block: block, weights: weights[unit.step].pointer)
    }

    private func nextGradient(step: UInt64) -> FloatBuffer {
        turn = step == lastStep ? (turn + 1) % regionLayout.slots : 0
        lastStep = step
        if turn == gradients.count {
            gradients.append(FloatBuffer(count: layout.count))
            if configuration.communicationDataType != .float32 { encoded.append(EncodedFloats(chunks: chunks)) }
        }
        return gradients[turn]
    }
}
