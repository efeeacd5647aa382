import LockstepCluster
import LockstepSystem

/// The coordinator's side of one worker's gradients in shared memory. Only this worker writes there.
///
/// The coordinator reads a slot only after the worker's message that the slot's gradient is complete, and reuses the
/// slot only after the reduction. Every slot except the last is assigned at most once in a step, so its gradient stays
/// until the step ends. The last slot is for nodes that are reassigned from other workers, one at a time; the
/// coordinator copies its gradient at once.
final class MemberRegion {
    let member: MemberID
    private let layout: RegionLayout
    private let region: SharedRegion
    private var step: UInt64?
    /// The node that was assigned to each slot in this step.
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

    /// The gradient of a node, and whether it stays in place until the step ends; nil if the node has no slot in this
    /// step. Call it only after the worker's message that the gradient is complete.
    func gradient(of item: WorkItem) -> (floats: UnsafePointer<Float>, isStable: Bool)? {
        guard step == item.step, let slot = nodes[..<used].lastIndex(of: item.number) else { return nil }
        guard let base = layout.floats(at: slot, in: region.bytes).baseAddress else { return nil }
        return (UnsafePointer(base), slot < layout.slots - 1)
    }
}
