import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// A worker's state for one run configuration: the computer of its shards, two versions of the weights, and the buffers of
/// its answers.
final class WorkerTask {
    let chunks: ChunkLayout
    let welcome: Welcome
    let configuration: RunConfiguration
    private let forcedKernel: NumericKernel?
    private let isNoOp: Bool
    /// The memory shared with the coordinator; nil if weights and gradients are sent in messages.
    private(set) var regions: WorkerRegions?
    private let ownWeights: VersionedParameters
    private let layout: ParameterLayout
    private var computer: ShardComputer?
    let regionLayout: RegionLayout
    /// Records this thread's phases, if the coordinator asks for them.
    let timeline: Timeline?
    /// Gradients that are sent in messages, one buffer for each node of a step. A worker gets further nodes only once
    /// it has answered all others, so a buffer is free when it is reused.
    private var gradients: [FloatBuffer] = []
    /// The same gradients in the communication data type; empty if that is float32.
    private var encoded: [EncodedFloats] = []
    /// The slot in shared memory for the gradient of the current node.
    var slot = 0
    /// Whether the step of the current node is audited.
    var isAudited = false
    private var lastStep: UInt64?
    /// The buffer of the current node.
    private var bufferIndex = 0

    /// Checks the welcome, which may be wrong or hostile, and allocates the weights.
    ///
    /// - Throws: An error that says what is wrong with the configuration.
    init(_ welcome: Welcome, forcedKernel: NumericKernel?) throws {
        try welcome.check()
        let shards = welcome.configuration.shards ?? 1
        self.welcome = welcome
        self.configuration = welcome.configuration
        self.forcedKernel = forcedKernel
        self.isNoOp = welcome.isNoOp ?? false
        self.layout = try welcome.configuration.makeModel().layout
        self.chunks = layout.chunks
        self.ownWeights = VersionedParameters(
            initial: FloatBuffer(count: layout.count), other: FloatBuffer(count: layout.count))
        self.timeline = welcome.timeline?.makeTimeline()
        self.regionLayout = RegionLayout(
            parameters: layout.count, shards: shards, dataType: welcome.configuration.communicationDataType)
    }

    /// Starts a membership with this shared memory; nil: without shared memory.
    func share(_ regions: WorkerRegions?) {
        self.regions = regions
    }

    private var weights: VersionedParameters { regions?.weights ?? ownWeights }

    /// Opens the run's kernel, or the best one that this CPU supports, and computes the numeric fingerprint.
    func prove(_ dataset: Dataset) throws -> Ready {
        let wanted = forcedKernel ?? configuration.kernel ?? .portable
        let library = try ComputeLibrary.open(wanted.isSupported ? wanted : NumericKernel.best ?? wanted)
        let computer = try ShardComputer(configuration: configuration, dataset: dataset, library: library)
        computer.timeline = timeline
        self.computer = computer
        return Ready(kernel: library.kernel, try computer.provedFingerprint())
    }

    /// Bytes of one element of a gradient in a message.
    var communicationElementSize: Int { configuration.communicationDataType.elementSize }

    /// Bytes of one weight of this version in a message. Weights of a step have the communication data type; weights
    /// that are only evaluated are float32.
    func elementSize(ofVersion version: UInt64) -> Int {
        VersionedParameters.isReplacement(version)
            ? FloatPayload.elementSize : configuration.communicationDataType.elementSize
    }

    /// Copies a received part of a chunk into the weights of this version.
    ///
    /// - Parameters:
    ///   - payload: The floats.
    ///   - version: The weights' version.
    ///   - part: The part.
    ///   - weights: The memory of the weights; nil: the task's own.
    func store(
        _ payload: borrowing Message, version: UInt64, _ part: ChunkPart, into weights: VersionedParameters? = nil
    ) {
        let start = chunks.chunks[part.chunk].range.lowerBound
        let range = start + part.elements.lowerBound..<start + part.elements.upperBound
        let floats = UnsafeMutableBufferPointer(rebasing: (weights ?? ownWeights).forward(version).buffer[range])
        payload.withUnsafeBytes { bytes in
            if elementSize(ofVersion: version) == FloatPayload.elementSize {
                FloatPayload.copy(bytes, to: floats)
            } else if let base = bytes.baseAddress, let target = floats.baseAddress {
                decodeBFloat16(base, into: target, count: floats.count)
            }
        }
    }

    /// Computes the gradient of a tree node, into shared memory or in chunks that are sent as soon as each is final.
    ///
    /// - Parameters:
    ///   - item: The step and its node.
    ///   - slot: The gradient's slot in shared memory; not used without shared memory.
    ///   - send: Called with each chunk, if gradients are sent in messages.
    ///   - finish: Called with the whole gradient, if it is in shared memory, before the answer is sent.
    /// - Returns: The node's loss; nil if the step has no such node or the memory has no such slot.
    /// - Throws: The errors of `send`.
    func gradient(
        of item: WorkItem, slot: Int, send: (ChunkLayout.Chunk, UnsafeRawBufferPointer) throws -> Void,
        finish: (UnsafeRawBufferPointer) -> Void
    ) throws -> Double? {
        guard let computer else { return nil }
        let batch = Batch(step: item.step, schedule: computer.schedule)
        guard batch.tree.contains(item.node) else { return nil }
        if let regions {
            guard let gradient = regions.gradient(slot: slot) else { return nil }
            if isNoOp { return 0 }
            let loss = computer.gradient(
                of: item.node, in: batch, weights: weights.forward(item.step).pointer, into: gradient
            ) { _ in }
            try computer.checkModel()
            finish(UnsafeRawBufferPointer(UnsafeBufferPointer(start: gradient, count: layout.count)))
            return loss
        }
        let gradient = nextGradient(step: item.step)
        if isNoOp {
            for (index, chunk) in chunks.chunks.enumerated() { try send(chunk, bytes(of: index, from: gradient)) }
            return 0
        }
        let loss = try computer.gradient(
            of: item.node, in: batch, weights: weights.forward(item.step).pointer, into: gradient.pointer
        ) { segment in
            try computer.checkModel()
            for index in chunks.chunks(ofSegment: segment) {
                try send(chunks.chunks[index], bytes(of: index, from: gradient))
            }
        }
        try computer.checkModel()
        return loss
    }

    /// The bytes to send for a chunk of the current node's gradient.
    private func bytes(of chunk: Int, from gradient: FloatBuffer) -> UnsafeRawBufferPointer {
        guard configuration.communicationDataType == .float32 else {
            return encoded[bufferIndex].bytes(of: chunk, from: gradient)
        }
        return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: gradient.buffer[chunks.chunks[chunk].range]))
    }

    /// The evaluation of a block of samples; nil if there is no such block.
    ///
    /// - Throws: What the code of a program's own model has thrown.
    func score(of item: WorkItem) throws(ModelFailure) -> BlockScore? {
        guard
            let computer, case let named = EvaluationUnit(rawValue: item.number), let split = named.dataSplit,
            case let block = named.block, block < computer.evaluator.blocks(of: split).count
        else { return nil }
        let score = computer.evaluator.score(of: split, block: block, weights: weights[item.step].pointer)
        try computer.checkModel()
        return score
    }

    /// The buffer for the next node's gradient: the first one at the start of a step.
    private func nextGradient(step: UInt64) -> FloatBuffer {
        bufferIndex = step == lastStep ? (bufferIndex + 1) % regionLayout.slots : 0
        lastStep = step
        if bufferIndex == gradients.count {
            gradients.append(FloatBuffer(count: layout.count))
            if configuration.communicationDataType != .float32 { encoded.append(EncodedFloats(chunks: chunks)) }
        }
        return gradients[bufferIndex]
    }
}
