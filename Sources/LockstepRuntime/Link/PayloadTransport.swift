import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// How a worker's gradients reach the coordinator: in messages (``InlineTransport``) or in shared memory
/// (``SharedMemoryTransport``). The bits are the same either way.
protocol PayloadTransport: AnyObject {
    /// Chooses the slot into which the worker writes the gradient of a work item: a field of the assignment.
    func slot(for item: WorkItem, of member: MemberID) -> UInt32

    /// The chunk of a gradient that a message carries.
    ///
    /// - Parameters:
    ///   - header: The message's header.
    ///   - payloadBytes: The size of its payload.
    /// - Returns: The chunk's index.
    /// - Throws: `ProtocolError` if there is no such chunk, or if this transport sends no gradients in messages.
    func chunk(of header: Header, payloadBytes: Int) throws(ProtocolError) -> Int

    /// Records that a chunk has arrived.
    ///
    /// - Returns: Whether this is the first chunk of the worker's answer.
    func add(chunk: Int, of item: WorkItem, from member: MemberID) -> Bool

    /// Pushes a chunk's floats.
    ///
    /// - Parameters:
    ///   - bytes: The payload of the message, valid during the call.
    ///   - chunk: The chunk's index.
    ///   - node: The tree node that the gradient belongs to.
    ///   - push: Called with the floats.
    /// - Throws: What `push` throws.
    func push(
        _ bytes: UnsafeRawBufferPointer, chunk: Int, of node: NodeID, _ push: (PartialResult) throws -> Void
    ) throws

    /// Completes a gradient that its worker has announced: pushes the chunks that have not been pushed.
    ///
    /// - Throws: `ProtocolError` if a chunk is missing; what `push` throws.
    func complete(_ item: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws
}
