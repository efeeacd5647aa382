import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// Adds up the nodes that an aggregator is assigned, from the results of its own workers, and sends each chunk upwards as soon
/// as it is complete.
///
/// The additions are those of the run's summation tree (``Reducer``), so the sums have the bits that one process would
/// compute. A complete chunk is copied: libzmq sends it by reference, and a worker's shared memory may be freed before that.
final class NodeSums {
    /// A node that is wanted.
    private struct Sum {
        let node: NodeID
        /// The place of its buffer.
        let buffer: Int
        var missingChunks: Int
        var lossSum: Double?
    }

    /// What a wanted node is complete with.
    struct Completed {
        let node: NodeID
        let lossSum: Double
    }

    private let reducer: Reducer
    private let layout: ChunkLayout
    private let dataType: CommunicationDataType
    /// The most buffers: as many as nodes that a worker holds.
    private let slots: Int
    private var tree: SummationTree
    private var sums: [Sum] = []
    /// The gradients of a step's nodes, used in turn. Those of the step before have arrived when a step begins.
    private var gradients: [FloatBuffer] = []
    /// The same in the communication data type; empty if that is float32.
    private var encoded: [EncodedFloats] = []
    private var step: UInt64?
    private var used = 0

    /// - Parameters:
    ///   - layout: The parameter buffer's chunks.
    ///   - shards: Shards of every mini-batch.
    ///   - dataType: The element type of messages.
    init(layout: ChunkLayout, shards: Int, dataType: CommunicationDataType) {
        self.layout = layout
        self.dataType = dataType
        reducer = Reducer(layout: layout, shards: shards, dataType: dataType)
        slots = RegionLayout.slots(shards: shards)
        tree = SummationTree(shards: shards, samples: shards)
    }

    /// Whether a sum is not complete.
    var isIncomplete: Bool { !sums.isEmpty }

    /// Starts to add up nodes of a step.
    func begin(step: UInt64, _ tree: SummationTree, _ nodes: [NodeID]) {
        if self.step != step { (self.step, used) = (step, 0) }
        self.tree = tree
        reducer.begin(tree, sums: nodes)
        sums = nodes.map { node in
            defer { used = (used + 1) % slots }
            return Sum(node: node, buffer: used, missingChunks: layout.chunks.count)
        }
    }

    /// Drops the sums that are not complete: no coordinator waits for them any more.
    func abandon() { sums.removeAll() }

    /// Adds a result of a worker.
    ///
    /// - Parameters:
    ///   - result: A chunk of a node's gradient, or its loss.
    ///   - send: Called with the bytes of a chunk that is complete. They do not change until the next step.
    /// - Returns: The node that is complete now; nil if none is.
    /// - Throws: What `send` throws.
    func add(
        _ result: PartialResult,
        send: (_ node: NodeID, ChunkLayout.Chunk, UnsafeRawBufferPointer) throws -> Void
    ) rethrows -> Completed? {
        switch result {
        case .gradient(let node, let chunk, let floats, let isStable):
            guard
                let sum = reducer.add(node, chunk: chunk, floats, isStable: isStable), let index = index(above: node)
            else { return nil }
            sums[index].missingChunks -= 1
            try send(sums[index].node, layout.chunks[chunk], bytes(of: chunk, sum, in: sums[index].buffer))
            return complete(index)
        case .lossSum(let node, let lossSum):
            guard let sum = reducer.add(node, lossSum: lossSum), let index = index(above: node) else { return nil }
            sums[index].lossSum = sum
            return complete(index)
        case .mismatch:
            return nil
        }
    }

    /// The index of the wanted node that a node is part of.
    private func index(above node: NodeID) -> Int? {
        let leaf = tree.leaves(of: node).lowerBound
        return sums.firstIndex { tree.leaves(of: $0.node).contains(leaf) }
    }

    private func complete(_ index: Int) -> Completed? {
        guard sums[index].missingChunks == 0, let lossSum = sums[index].lossSum else { return nil }
        return Completed(node: sums.remove(at: index).node, lossSum: lossSum)
    }

    /// Makes the last addition of a sum and encodes it.
    private func bytes(of chunk: Int, _ sum: ChunkSum, in buffer: Int) -> UnsafeRawBufferPointer {
        while gradients.count <= buffer {
            gradients.append(FloatBuffer(count: layout.chunks.last?.range.upperBound ?? 0))
            if dataType != .float32 { encoded.append(EncodedFloats(chunks: layout)) }
        }
        let gradient = gradients[buffer]
        let target = gradient.pointer + sum.range.lowerBound
        let floats = sum.compute(sum.range, in: target)
        if floats != UnsafePointer(target) { target.update(from: floats, count: sum.range.count) }
        guard dataType == .float32 else { return encoded[buffer].bytes(of: chunk, from: gradient) }
        return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: gradient.buffer[sum.range]))
    }
}
