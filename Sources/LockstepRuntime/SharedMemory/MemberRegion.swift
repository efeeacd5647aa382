import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTimeline

/// The coordinator's side of one worker's gradients in shared memory, and of its mailbox. Only this worker writes there.
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
    /// The coordinator's mailbox; nil if tasks and answers are messages.
    private let tasks: SharedRegion?
    private var mailbox: Mailbox?
    private let wake: () -> Void
    /// Whether the worker reads its mailbox.
    var usesMailbox = false

    /// - Parameters:
    ///   - member: The worker.
    ///   - layout: The layout of the regions.
    ///   - hasMailbox: Whether to offer the worker mailboxes.
    ///   - wake: Wakes the worker, which sleeps.
    /// - Throws: `SystemError` if the memory cannot be allocated.
    init(
        member: MemberID, layout: RegionLayout, hasMailbox: Bool = true, wake: @escaping () -> Void = {}
    ) throws(SystemError) {
        self.wake = wake
        self.member = member
        self.layout = layout
        self.tasks =
            hasMailbox ? try SharedRegion(name: "lockstep-tasks", byteCount: Mailbox.size, others: .read) : nil
        self.region = try SharedRegion(
            name: "lockstep-gradients", byteCount: layout.gradientBytes, others: .readAndWrite)
        self.nodes = Array(repeating: 0, count: layout.slots)
        if let own = tasks?.bytes.baseAddress, let other = RegionLayout.page(of: region.bytes) {
            mailbox = Mailbox(own: own, other: UnsafeRawPointer(other), otherFlag: UnsafeRawPointer(other))
        }
    }

    var descriptor: Int32 { region.descriptor }
    /// The descriptor of the coordinator's mailbox.
    var taskDescriptor: Int32? { tasks?.descriptor }

    /// When the worker put its next record; nil if there is none.
    var nextMailTime: Instant? { usesMailbox ? mailbox?.nextTime : nil }

    /// Receives the worker's next record.
    ///
    /// - Throws: `ProtocolError` if the record is none that a worker puts.
    func receiveMail() throws(ProtocolError) -> (header: Header, result: NodeResult)? {
        guard usesMailbox, let (header, result) = try mailbox?.receive() else { return nil }
        guard let result, header.member == member.rawValue else { throw .unexpectedKind(header.kind) }
        return (header, result)
    }

    /// Puts a task into the coordinator's mailbox, and wakes the worker if it sleeps.
    ///
    /// - Returns: False if there is no room, or no mailbox: the task must be sent as a message.
    func put(_ header: Header) -> Bool {
        guard usesMailbox, let delivery = mailbox?.put(header, now: .now) else { return false }
        if delivery == .needsWaking { wake() }
        return delivery != .isFull
    }

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
