import LockstepNumerics
package import LockstepSharding

/// Adds up the shards' gradients in the fixed binary tree, whatever the order in which they arrive.
///
/// Sources push (node, chunk, floats); a chunk of a node is known when the node's own floats or those of both its
/// children are in. A node shares its first shard's slot with its left child, so sums are made in place and a run of
/// a few large nodes touches only a few slots.
package final class Reducer {
    package let layout: ChunkLayout
    private let elements: Int
    /// Whether sums are rounded to bfloat16, that of the whole mini-batch but for.
    private let roundsToBFloat16: Bool
    private var tree: SummationTree
    /// One lane a chunk, and the last one for the loss.
    private var arrivals: TreeArrivals
    /// Own memory by slot; one that no step uses costs address space alone.
    private let slots: [FloatBuffer]
    /// Where a known node's floats of a chunk lie, by slot and chunk: own memory, or memory pushed as stable.
    private var values: [UnsafePointer<Float>?]
    private var lossSums: [Double]
    /// Whether a step has begun and not ended.
    package private(set) var isUnderWay = false
    /// The loss of the last mini-batch, once it is complete.
    package private(set) var lossSum: Double?

    /// - Parameters:
    ///   - layout: The parameter buffer's chunks.
    ///   - shards: Parts of every mini-batch.
    ///   - dataType: The element type that gradients are sent in.
    package init(layout: ChunkLayout, shards: Int, dataType: CommunicationDataType = .float32) {
        self.layout = layout
        self.roundsToBFloat16 = dataType.roundsToBFloat16
        self.elements = layout.chunks.last?.range.upperBound ?? 0
        self.tree = SummationTree(shards: shards, samples: shards)
        self.arrivals = TreeArrivals(lanes: layout.chunks.count + 1)
        self.slots = (0..<shards).map { [elements] _ in FloatBuffer(count: elements) }
        self.values = Array(repeating: nil, count: shards * layout.chunks.count)
        self.lossSums = Array(repeating: 0, count: shards)
    }

    /// Starts a step.
    package func begin(_ tree: SummationTree) {
        self.tree = tree
        arrivals.begin(tree)
        isUnderWay = true
        lossSum = nil
    }

    /// Ends a step whose sums have been used.
    package func end() {
        isUnderWay = false
    }

    /// Takes one chunk of a node's gradient.
    ///
    /// - Parameters:
    ///   - node: A node of the step's tree.
    ///   - chunk: The chunk's number in the layout.
    ///   - floats: The chunk's elements.
    ///   - isStable: Whether `floats` stay unchanged until the step ends; otherwise they are read during the call only.
    /// - Returns: The chunk's sum over the whole mini-batch if it is complete now but for the last addition, valid until
    ///   the next call with this chunk or, if `floats` are not stable, until the caller gives them up; nil if nodes are
    ///   missing, or if the chunk was known already.
    package func add(
        _ node: NodeID, chunk: Int, _ floats: UnsafePointer<Float>, isStable: Bool
    ) -> ChunkSum? {
        guard !arrivals.isKnown(node, lane: chunk) else { return nil }
        let chunks = layout.chunks.count
        let range = layout.chunks[chunk].range
        values[tree.slot(of: node) * chunks + chunk] = floats
        var known = node
        var last: ChunkSum?
        let outcome = arrivals.insert(node, lane: chunk) { parent, left, right in
            guard
                let augend = values[tree.slot(of: left) * chunks + chunk],
                let addend = values[tree.slot(of: right) * chunks + chunk]
            else { preconditionFailure("a known node without a value") }
            known = parent
            guard parent != tree.root else { return last = ChunkSum(range: range, augend: augend, addend: addend) }
            let slot = tree.slot(of: parent)
            let sum = slots[slot].pointer + range.lowerBound
            LockstepNumerics.add(augend, addend, into: sum, count: range.count)
            if roundsToBFloat16 { roundToBFloat16(sum, count: range.count) }
            values[slot * chunks + chunk] = UnsafePointer(sum)
        }
        switch outcome {
        case .duplicate:
            return nil
        case .complete:
            return last ?? ChunkSum(range: range, augend: floats, addend: nil)
        case .pending:
            if known == node && !isStable {
                let slot = tree.slot(of: node)
                let copy = slots[slot].pointer + range.lowerBound
                copy.update(from: floats, count: range.count)
                values[slot * chunks + chunk] = UnsafePointer(copy)
            }
            return nil
        }
    }

    /// Takes a node's loss, the sum of its samples' costs.
    ///
    /// The loss of the whole mini-batch is in ``lossSum`` when it is complete.
    package func add(_ node: NodeID, lossSum: Double) {
        let lane = layout.chunks.count
        guard !arrivals.isKnown(node, lane: lane) else { return }
        lossSums[tree.slot(of: node)] = lossSum
        let outcome = arrivals.insert(node, lane: lane) { parent, left, right in
            lossSums[tree.slot(of: parent)] = lossSums[tree.slot(of: left)] + lossSums[tree.slot(of: right)]
        }
        if outcome == .complete { self.lossSum = lossSums[tree.slot(of: tree.root)] }
    }
}
