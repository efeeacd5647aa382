import LockstepCluster
import LockstepSystem

/// The coordinator's side of a worker's gradients in shared memory, to which only this worker writes.
///
/// The coordinator reads a slot only after the worker's message that its gradient is complete, and reuses it only after the
/// reduction. Every slot except the last is assigned at most once in a step, so its gradient stays until the step ends. The
/// last slot is for nodes that are reassigned from other workers, one at a time; its gradient is read at once.
final class MemberRegion {
    let member: MemberID
    private let layout: RegionLayout
    private let region: SharedRegion
    private var step: UInt64?
    /// The node that each slot was assigned in this step.
    private var nodes: [UInt32]
    private var used = 0

    /// - Throws: `SystemError` if the memory cannot be allocated.
    init(member: MemberID, layout: RegionLayout) throws(SystemError) {
        self.member = member
        self.layout = layout
        self.region = try SharedRegion(
            name: "lockstep-gradients", byteCount: layout.gradientBytes, others: .readAndWrite)
        self.nodes = Array(repeating: 0, count: layout.slots)
    }

    var descriptor: Int32 { region.descriptor }

    /// Assigns a slot to a node that the worker gets now.
    func place(_ item: WorkItem) -> Int {
        if step != item.step {
            step = item.step
            used = 0
        }
        let slot = min(used, layout.slots - 1)
        used = slot + 1
        nodes[slot] = item.number
        return slot
    }

    /// The gradient of a node, once the worker's message about it has come, and whether it stays in place until the step
    /// ends; nil if the node has no slot in this step.
    func gradient(of item: WorkItem) -> (floats: UnsafePointer<Float>, isStable: Bool)? {
        guard step == item.step, let slot = nodes[..<used].lastIndex(of: item.number) else { return nil }
        guard let base = layout.floats(at: slot, in: region.bytes).baseAddress else { return nil }
        return (UnsafePointer(base), slot < layout.slots - 1)
    }
}
