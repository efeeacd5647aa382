import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepTraining
import ZeroMQ

/// Weights and gradients as payload of messages: for workers on other hosts, and where memory cannot be shared.
///
/// A message carries a chunk or, over a slow link, a part of one. Sums are made of whole chunks, so the parts are
/// gathered.
final class InlineTransport: PayloadTransport {
    private let chunks: ChunkLayout
    private let dataType: CommunicationDataType
    private let headers: RunHeaders
    /// The chunks that each member has sent of its answer.
    private var parts: AnswerParts
    /// The floats of a payload that was unaligned or bfloat16.
    private let scratch: FloatBuffer
    /// Both versions of the weights as bfloat16; allocated when the first worker needs them.
    private lazy var encodedWeights = (even: EncodedFloats(chunks: chunks), odd: EncodedFloats(chunks: chunks))
    /// The encoded chunk of each member whose parts are arriving; allocated with the first part.
    private var gathered: [MemberID: UnsafeMutableRawBufferPointer] = [:]
    /// Bytes of weights sent and gradients received so far.
    private(set) var payloadBytes: UInt64 = 0

    init(chunks: ChunkLayout, dataType: CommunicationDataType, headers: RunHeaders) {
        self.chunks = chunks
        self.dataType = dataType
        self.headers = headers
        parts = AnswerParts(chunks: chunks.chunks.count)
        scratch = FloatBuffer(count: ChunkLayout.maximumElements)
    }

    deinit {
        for memory in gathered.values { memory.deallocate() }
    }

    /// Sends a chunk of the weights by reference: the chunk does not change until the worker has answered.
    func sendParameters(
        version: UInt64, chunk: Int, of parameters: VersionedParameters, to peer: PeerID, _ member: MemberID,
        over link: CoordinatorLink
    ) throws {
        let layout = chunks.chunks[chunk]
        let elementSize = VersionedParameters.isReplacement(version) ? FloatPayload.elementSize : dataType.elementSize
        let bytes =
            if dataType == .float32 || VersionedParameters.isReplacement(version) {
                UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: parameters[version].buffer[layout.range]))
            } else {
                (version & 1 == 0 ? encodedWeights.even : encodedWeights.odd).bytes(
                    of: chunk, content: version, from: parameters.forward(version))
            }
        payloadBytes += UInt64(bytes.count)
        let header = headers.header(
            .parameters, member, step: version, segment: UInt16(layout.segment), offset: UInt32(layout.offset))
        try FloatPayload.forEachFrame(header, bytes, elementSize: elementSize, limit: link.frameLimit(of: peer)) {
            try link.post(to: peer, $0, borrowing: $1, isPart: $1.count < bytes.count)
        }
    }

    /// Forgets the answers and the weights of a step that is repeated.
    func forgetStep() {
        parts = AnswerParts(chunks: chunks.chunks.count)
        guard dataType != .float32 else { return }
        encodedWeights.even.removeAll()
        encodedWeights.odd.removeAll()
    }

    /// Discards the unfinished answer of a member that has gone.
    func removeAnswer(of member: MemberID) {
        parts.removeAnswer(of: member)
        gathered.removeValue(forKey: member)?.deallocate()
    }

    func slot(for item: WorkItem, of member: MemberID) -> UInt32 { 0 }

    func part(of header: Header, payloadBytes: Int) throws(ProtocolError) -> ChunkPart {
        try FloatPayload.part(of: header, payloadBytes: payloadBytes, elementSize: dataType.elementSize, in: chunks)
    }

    func add(_ part: ChunkPart, of item: WorkItem, from member: MemberID) throws(ProtocolError) -> Bool {
        try parts.insert(part, of: item, from: member)
    }

    func push(
        _ bytes: UnsafeRawBufferPointer, _ part: ChunkPart, of node: NodeID, from member: MemberID,
        _ push: (PartialResult) throws -> Void
    ) throws {
        payloadBytes += UInt64(bytes.count)
        guard let whole = gather(bytes, part, from: member) else { return }
        try push(.gradient(node, chunk: part.chunk, floats(in: whole), isStable: false))
    }

    /// The bytes of a whole chunk, once its last part has arrived.
    private func gather(
        _ bytes: UnsafeRawBufferPointer, _ part: ChunkPart, from member: MemberID
    ) -> UnsafeRawBufferPointer? {
        if part.isWhole { return bytes }
        let memory =
            gathered[member] ?? .allocate(byteCount: ChunkLayout.maximumElements * dataType.elementSize, alignment: 16)
        gathered[member] = memory
        let start = part.elements.lowerBound * dataType.elementSize
        UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + bytes.count]).copyMemory(from: bytes)
        guard part.isLast else { return nil }
        return UnsafeRawBufferPointer(rebasing: memory[..<(part.chunkElements * dataType.elementSize)])
    }

    func complete(_ item: WorkItem, from member: MemberID, _ push: (PartialResult) throws -> Void) throws {
        guard parts.isComplete(item, from: member) else { throw ProtocolError.inconsistent(.nodeResult) }
    }

    /// The payload as floats, valid until the next call. libzmq may place a payload at any address, and floats need a
    /// multiple of four.
    private func floats(in bytes: UnsafeRawBufferPointer) -> UnsafePointer<Float> {
        guard dataType == .float32 else {
            if let base = bytes.baseAddress {
                decodeBFloat16(base, into: scratch.pointer, count: bytes.count / dataType.elementSize)
            }
            return UnsafePointer(scratch.pointer)
        }
        if let base = bytes.baseAddress, UInt(bitPattern: base) % 4 == 0 {
            return base.assumingMemoryBound(to: Float.self)
        }
        UnsafeMutableRawBufferPointer(scratch.buffer).copyMemory(from: bytes)
        return UnsafePointer(scratch.pointer)
    }
}
