import LockstepCluster
import LockstepSystem

/// A worker's gradients as the coordinator finds them: memory that this worker alone writes to.
///
/// A slot is read only after the message that announces what is in it, and used again only after its reduction. All
/// slots but the last are given out once a step, so what they hold stays until the step ends. The last one is for nodes
/// that are handed on from others, one at a time, and is read at once.
final class MemberRegion {
    let member: MemberID
    private let layout: RegionLayout
    private let region: SharedRegion
    private var step: UInt64?
    /// Nodes by slot, as they were given out in this step.
    private var nodes: [UInt32]
    private var used = 0

    /// - Throws: `SystemError` where there is no memory.
    init(member: MemberID, layout: RegionLayout) throws(SystemError) {
        self.member = member
        self.layout = layout
        self.region = try SharedRegion(
            name: "lockstep-gradients", byteCount: layout.gradientBytes, others: .readAndWrite)
        self.nodes = Array(repeating: 0, count: layout.slots)
    }

    var descriptor: Int32 { region.descriptor }

    /// The slot for a node that the worker is given now.
    func place(_ unit: WorkItem) -> Int {
        if step != unit.step {
            step = unit.step
            used = 0
        }
        let slot = min(used, layout.slots - 1)
        used = slot + 1
        nodes[slot] = unit.number
        return slot
    }

    /// Where a node's sum stands, once the worker has announced it, and whether it stays there until the step ends.
    func gradient(of unit: WorkItem) -> (floats: UnsafePointer<Float>, isStable: Bool)? {
        guard step == unit.step, let slot = nodes[..<used].lastIndex(of: unit.number) else { return nil }
        guard let base = layout.floats(at: slot, in: region.bytes).baseAddress else { return nil }
        return (UnsafePointer(base), slot < layout.slots - 1)
    }
}
