import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// How a worker's gradients reach the coordinator: in messages (``InlineTransport``) or in shared memory
/// (``SharedMemoryTransport``). The bits are the same either way.
protocol PayloadTransport: AnyObject {
    /// Chooses the slot into which the worker writes the gradient of a work item: a field of the assignment.
    func slot(for item: WorkItem, of member: MemberID) -> UInt32

    /// The part of a gradient that a message carries.
    ///
    /// - Parameters:
    ///   - header: The message's header.
    ///   - payloadBytes: The size of its payload.
    /// - Returns: The part of a chunk.
    /// - Throws: `ProtocolError` if there is no such part, or if this transport sends no gradients in messages.
    func part(of header: Header, payloadBytes: Int) throws(ProtocolError) -> ChunkPart

    /// Records that a part has arrived.
    ///
    /// - Returns: Whether this is the first part of the worker's answer.
    /// - Throws: `ProtocolError` if it does not follow the previous part.
    func add(_ part: ChunkPart, of item: WorkItem, from member: MemberID) throws(ProtocolError) -> Bool

    /// Pushes a chunk's floats, once its last part has arrived.
    ///
    /// - Parameters:
    ///   - bytes: The payload of the message, valid during the call.
    ///   - part: The part, which was added.
    ///   - node: The tree node that the gradient belongs to.
    ///   - member: The worker that sent it.
    ///   - push: Called with the floats of a whole chunk.
    /// - Throws: What `push` throws.
    func push(
        _ bytes: UnsafeRawBufferPointer, _ part: ChunkPart, of node: NodeID, from member: MemberID,
        _ push: (PartialResult) throws -> Void
    ) throws

    /// Completes a gradient that its worker has announced: pushes the chunks that have not been pushed.
    ///
    /// - Throws: `ProtocolError` if a chunk is missing; what `push` throws.
    func complete(_ item: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws
}
