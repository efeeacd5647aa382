import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepTraining

/// How a worker's gradients reach the coordinator: in messages (``InlineTransport``), or in memory that both share
/// (``SharedMemoryTransport``). The bits are the same either way.
protocol PayloadTransport: AnyObject {
    /// Where the worker is to put the gradient of a work item that it is given now: a field of the assignment.
    func slot(for item: WorkItem, of member: MemberID) -> UInt32

    /// Which chunk of a gradient a message carries.
    ///
    /// - Parameters:
    ///   - header: The message's header.
    ///   - payloadBytes: The size of its payload.
    /// - Returns: The chunk's index.
    /// - Throws: `ProtocolError` if there is no such chunk, or gradients do not travel in messages here.
    func chunk(of header: Header, payloadBytes: Int) throws(ProtocolError) -> Int

    /// Notes that a chunk has arrived.
    ///
    /// - Returns: Whether it is the first of the worker's answer.
    func add(chunk: Int, of item: WorkItem, from member: MemberID) -> Bool

    /// Pushes a chunk's floats.
    ///
    /// - Parameters:
    ///   - bytes: The floats as they travel, valid during the call.
    ///   - chunk: The chunk's index.
    ///   - node: The tree node that it belongs to.
    ///   - push: Called with the floats.
    /// - Throws: What `push` throws.
    func push(
        _ bytes: UnsafeRawBufferPointer, chunk: Int, of node: NodeID, _ push: (PartialResult) throws -> Void
    ) throws

    /// Completes a gradient that its worker has announced: pushes what has not been pushed.
    ///
    /// - Throws: `ProtocolError` if a part of it is missing; what `push` throws.
    func complete(_ item: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws
}
