package import LockstepModel
import LockstepNumerics
package import LockstepSharding

/// Adds the shards' gradients in the fixed binary tree; their order of arrival does not matter.
///
/// Sources push (node, chunk, floats). A chunk of a node is known once the node's own floats or the floats of both its
/// children have arrived. A node shares the slot of its first shard with its left child, so sums are computed in place,
/// and a run of a few large nodes uses only a few slots.
package final class Reducer {
    package let layout: ChunkLayout
    private let elements: Int
    /// Whether partial sums are rounded to bfloat16; the final sum never is.
    private let roundsToBFloat16: Bool
    private var tree: SummationTree
    /// One lane for each chunk, and the last lane for the loss.
    private var arrivals: TreeArrivals
    /// The reducer's own memory, by slot; a slot that no step uses costs only address space.
    private let slots: [FloatBuffer]
    /// Where the floats of a known node's chunk are, by slot and chunk: in `slots`, or in memory pushed as stable.
    private var values: [UnsafePointer<Float>?]
    private var lossSums: [Double]
    /// The sums of the bits of what this object has written into `slots`, by slot and chunk; nil: nothing that it relies on.
    private var written: [UInt32?]
    /// Whether the memory of the step under way is compared with what was written there.
    private var verifiesMemory = false
    /// Whether all that was read from `slots` was what had been written.
    private var isMemoryIntact = true
    /// Whether a step has begun and not ended.
    package private(set) var isUnderWay = false
    /// The sum of the losses of the last mini-batch, once it is complete.
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
        self.written = Array(repeating: nil, count: shards * layout.chunks.count)
    }

    /// Starts a step.
    ///
    /// - Parameters:
    ///   - tree: The mini-batch's tree.
    ///   - sums: The nodes whose sums are wanted, without common leaves; empty: the root alone.
    ///   - verifiesMemory: Whether ``verifyMemory()`` is to find changes of the reducer's own memory.
    package func begin(_ tree: SummationTree, sums: [NodeID] = [], verifiesMemory: Bool = false) {
        self.tree = tree
        self.verifiesMemory = verifiesMemory
        isMemoryIntact = true
        if verifiesMemory {
            for index in written.indices { written[index] = nil }
        }
        arrivals.begin(tree, sums: sums)
        isUnderWay = true
        lossSum = nil
    }

    /// Ends a step whose sums have been used.
    package func end() {
        isUnderWay = false
    }

    /// Adds one chunk of a node's gradient.
    ///
    /// - Parameters:
    ///   - node: A node of the step's tree.
    ///   - chunk: The chunk's index in the layout.
    ///   - floats: The chunk's elements.
    ///   - isStable: Whether `floats` stay unchanged until the step ends; otherwise they are read during the call only.
    /// - Returns: The chunk's sum, without its last addition, once all of its nodes are known: the sum over the whole
    ///   mini-batch, or over the wanted node above `node`. It is valid until the next call with this chunk or, if `floats` are not stable, as
    ///   long as they are valid. Nil if nodes are missing, or if the chunk was known before.
    package func add(
        _ node: NodeID, chunk: Int, _ floats: UnsafePointer<Float>, isStable: Bool
    ) -> ChunkSum? {
        guard !arrivals.isKnown(node, lane: chunk) else { return nil }
        let chunks = layout.chunks.count
        let range = layout.chunks[chunk].range
        values[tree.slot(of: node) * chunks + chunk] = floats
        written[tree.slot(of: node) * chunks + chunk] = nil
        var known = node
        var last: ChunkSum?
        let outcome = arrivals.insert(node, lane: chunk) { parent, left, right in
            guard
                let augend = values[tree.slot(of: left) * chunks + chunk],
                let addend = values[tree.slot(of: right) * chunks + chunk]
            else { preconditionFailure("a known node without a value") }
            known = parent
            guard parent != tree.root else {
                last = ChunkSum(range: range, augend: augend, addend: addend)
                return
            }
            let slot = tree.slot(of: parent)
            let sum = slots[slot].pointer + range.lowerBound
            // The sum replaces the left child's floats.
            verify(slot: tree.slot(of: left), chunk)
            LockstepNumerics.add(augend, addend, into: sum, count: range.count)
            if roundsToBFloat16 { roundToBFloat16(sum, count: range.count) }
            values[slot * chunks + chunk] = UnsafePointer(sum)
            recordWrite(slot: slot, chunk)
            // A right child's floats that are not stable have been used and are not kept.
            if right == node, !isStable { values[tree.slot(of: right) * chunks + chunk] = nil }
        }
        switch outcome {
        case .duplicate:
            return nil
        case .complete:
            if let last { return last }
            let sum = known == node ? floats : values[tree.slot(of: known) * chunks + chunk] ?? floats
            return ChunkSum(range: range, augend: sum, addend: nil)
        case .pending:
            if known == node && !isStable {
                let slot = tree.slot(of: node)
                let copy = slots[slot].pointer + range.lowerBound
                copy.update(from: floats, count: range.count)
                values[slot * chunks + chunk] = UnsafePointer(copy)
                recordWrite(slot: slot, chunk)
            }
            return nil
        }
    }

    /// Whether the memory in which this object has kept gradients and sums since ``begin(_:sums:verifiesMemory:)`` has kept them. Call
    /// it after the sums have been used.
    func verifyMemory() -> Bool {
        guard verifiesMemory else { return true }
        for slot in slots.indices {
            for chunk in layout.chunks.indices { verify(slot: slot, chunk) }
        }
        return isMemoryIntact
    }

    private func recordWrite(slot: Int, _ chunk: Int) {
        guard verifiesMemory else { return }
        written[slot * layout.chunks.count + chunk] = bits(slot: slot, chunk)
    }

    private func verify(slot: Int, _ chunk: Int) {
        guard verifiesMemory, let expected = written[slot * layout.chunks.count + chunk] else { return }
        if bits(slot: slot, chunk) != expected { isMemoryIntact = false }
    }

    private func bits(slot: Int, _ chunk: Int) -> UInt32 {
        let range = layout.chunks[chunk].range
        return sumBits(slots[slot].pointer + range.lowerBound, count: range.count)
    }

    /// Adds the sum of the losses of a node's samples.
    ///
    /// ``lossSum`` has the sum of the whole mini-batch once it is complete.
    ///
    /// - Returns: The sum of the whole mini-batch, or of the wanted node above `node`, if this completes it.
    @discardableResult
    package func add(_ node: NodeID, lossSum: Double) -> Double? {
        let lane = layout.chunks.count
        guard !arrivals.isKnown(node, lane: lane) else { return nil }
        lossSums[tree.slot(of: node)] = lossSum
        var known = node
        let outcome = arrivals.insert(node, lane: lane) { parent, left, right in
            lossSums[tree.slot(of: parent)] = lossSums[tree.slot(of: left)] + lossSums[tree.slot(of: right)]
            known = parent
        }
        guard outcome == .complete else { return nil }
        let sum = lossSums[tree.slot(of: known)]
        if known == tree.root { self.lossSum = sum }
        return sum
    }
}

extension Reducer {
    /// Copies the floats that completed a chunk, so that they can be looked at after the call that pushed them.
    ///
    /// - Parameters:
    ///   - floats: The chunk's floats, as they were pushed last.
    ///   - node: The node that they are of.
    ///   - chunk: The chunk's index.
    func hold(_ floats: UnsafePointer<Float>, of node: NodeID, chunk: Int) {
        let (slot, range) = (tree.slot(of: node), layout.chunks[chunk].range)
        // Otherwise its parent's sum has replaced them already.
        guard value(of: node, chunk) == floats else { return }
        let copy = slots[slot].pointer + range.lowerBound
        copy.update(from: floats, count: range.count)
        values[slot * layout.chunks.count + chunk] = UnsafePointer(copy)
        written[slot * layout.chunks.count + chunk] = nil
    }

    /// A node that came with other bits than it should have.
    struct WrongNode: Hashable {
        let node: NodeID
        /// Whether some of its wrong numbers are finite, so that the same fault may have gone unnoticed in an earlier step.
        var isFinite = false
    }

    /// Finds a node whose gradient is not what it should be, in a chunk whose sum is complete.
    ///
    /// A left child's floats are gone once its parent's sum has replaced them; whether they were right shows in that sum.
    /// Where those of both children are gone, and their sum is wrong, it cannot be said which of them was wrong.
    ///
    /// - Parameters:
    ///   - chunk: The chunk's index.
    ///   - gradient: Computes a node's gradient again, all chunks of it; valid until the next call.
    /// - Returns: The first node found that arrived with other bits; nil if there is none, or it cannot be said which.
    func wrongNode(chunk: Int, gradient: (NodeID) -> FloatBuffer) -> WrongNode? {
        let root = tree.root
        guard arrivals.isSum(root, lane: chunk) else {
            return wrongNode(root, held: value(of: root, chunk), chunk, gradient)
        }
        guard let (left, right) = tree.children(of: root) else { return nil }
        return wrongNode(left, held: value(of: left, chunk), chunk, gradient)
            ?? wrongNode(right, held: value(of: right, chunk), chunk, gradient)
    }

    /// Compares a node and its descendants with gradients that are computed again. `held`: the node's floats; nil if they
    /// were overwritten and are known to be wrong.
    private func wrongNode(
        _ node: NodeID, held: UnsafePointer<Float>?, _ chunk: Int, _ gradient: (NodeID) -> FloatBuffer
    ) -> WrongNode? {
        let range = layout.chunks[chunk].range
        guard arrivals.isSum(node, lane: chunk), let (left, right) = tree.children(of: node) else {
            guard let held else { return WrongNode(node: node) }
            let isFinite = isDifferenceFinite(held, gradient(node).pointer + range.lowerBound, count: range.count)
            return isFinite.map { WrongNode(node: node, isFinite: $0) }
        }
        guard let addend = value(of: right, chunk) else { return nil }
        if let found = wrongNode(right, held: addend, chunk, gradient) { return found }
        guard let held else { return wrongNode(left, held: nil, chunk, gradient) }
        let sum = FloatBuffer(count: range.count)
        LockstepNumerics.add(
            gradient(left).pointer + range.lowerBound, addend, into: sum.pointer, count: range.count)
        if roundsToBFloat16 { roundToBFloat16(sum.pointer, count: range.count) }
        let isFinite = withExtendedLifetime(sum) { isDifferenceFinite(held, sum.pointer, count: range.count) }
        guard let isFinite, var found = wrongNode(left, held: nil, chunk, gradient) else { return nil }
        found.isFinite = found.isFinite || isFinite
        return found
    }

    private func value(of node: NodeID, _ chunk: Int) -> UnsafePointer<Float>? {
        values[tree.slot(of: node) * layout.chunks.count + chunk]
    }

    /// Compares floats with right ones, bit for bit.
    ///
    /// - Returns: Whether one that differs is finite; nil if none differs.
    private func isDifferenceFinite(
        _ floats: UnsafePointer<Float>, _ right: UnsafePointer<Float>, count: Int
    ) -> Bool? {
        var differs = false
        for index in 0..<count where floats[index].bitPattern != right[index].bitPattern {
            if floats[index].isFinite { return true }
            differs = true
        }
        return differs ? false : nil
    }
}

/// A chunk of a mini-batch's gradient without its last addition, which is the tree root's.
///
/// The update makes that addition tile by tile, so that each tile of the sum is used while it is in the cache.
package struct ChunkSum {
    /// Elements of the parameter buffer.
    package let range: Range<Int>
    let augend: UnsafePointer<Float>
    /// Nil if one process computed the root's gradient.
    let addend: UnsafePointer<Float>?

    /// Computes a tile of the sum.
    ///
    /// - Parameters:
    ///   - tile: Elements within ``range``; several threads may compute tiles that do not overlap.
    ///   - scratch: Receives the tile, [tile.count], if there is an addition to make; overlaps neither summand.
    /// - Returns: The tile, [tile.count]: in `scratch`, or where it already is.
    package func compute(_ tile: Range<Int>, in scratch: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        let offset = tile.lowerBound - range.lowerBound
        guard let addend else { return augend + offset }
        add(augend + offset, addend + offset, into: scratch, count: tile.count)
        return UnsafePointer(scratch)
    }
}

extension ParameterLayout {
    /// The segments, cut into chunks; each chunk is reduced, updated and sent by itself.
    package var chunks: ChunkLayout {
        ChunkLayout(segments: segments.map(\.range))
    }
}
