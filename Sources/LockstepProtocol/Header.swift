import LockstepDigest
package import LockstepSharding

/// The first frame of every message: 32 bytes, little-endian.
///
/// | offset | bytes | field | why it is there |
/// | --- | --- | --- | --- |
/// | 0 | 2 | magic | "LS": distinguishes another program's message from a damaged one |
/// | 2 | 1 | version | a peer with another protocol version gets this as the reason, and is not misread |
/// | 3 | 1 | kind | the message: ``MessageKind`` |
/// | 4 | 4 | run | a random number for every coordinator process: identifies messages of an earlier run |
/// | 8 | 4 | member | used once in a run: distinguishes an evicted worker's late answers from its new ones |
/// | 12 | 4 | unit | the tree node or evaluation block: each counts once |
/// | 16 | 6 | step | the step, which is also the weights' version: a late answer never counts for another step |
/// | 22 | 2 | segment | the layer whose floats follow |
/// | 24 | 4 | offset | the index of the first float in the layer: each element counts once |
/// | 28 | 4 | checksum | CRC-32C of the other fields and the payload: a message that was damaged on the way never counts |
///
/// libzmq stores up to 33 bytes inside a message, so a header costs no allocation. A field that a kind does not use is
/// sent as 0 and ignored. Any values decode; the receiver checks that they name something that exists
/// (``SummationTree/contains(_:)``, ``FloatPayload/part(of:payloadBytes:elementSize:in:)``).
package struct Header: Hashable, Sendable {
    /// Bytes of an encoded header.
    package static let size = 32
    /// "LS" in memory.
    package static let magic: UInt16 = 0x534C
    /// The only version of the protocol that this program speaks.
    package static let version: UInt8 = 6

    package var kind: MessageKind
    package var run: UInt32
    package var member: UInt32
    package var unit: UInt32
    /// 48 bits are sent.
    package var step: UInt64
    package var segment: UInt16
    package var offset: UInt32

    package init(
        kind: MessageKind, run: UInt32 = 0, member: UInt32 = 0, unit: UInt32 = 0, step: UInt64 = 0,
        segment: UInt16 = 0, offset: UInt32 = 0
    ) {
        self.kind = kind
        self.run = run
        self.member = member
        self.unit = unit
        self.step = step
        self.segment = segment
        self.offset = offset
    }

    /// The unit as a tree node.
    package var node: NodeID { NodeID(rawValue: unit) }

    /// Where each field begins.
    enum Offset {
        static let magic = 0
        static let version = 2
        static let kind = 3
        static let run = 4
        static let member = 8
        static let unit = 12
        static let step = 16
        static let segment = 22
        static let offset = 24
        static let checksum = 28
    }

    /// Writes ``size`` bytes; allocates nothing.
    ///
    /// - Parameters:
    ///   - buffer: At least ``size`` bytes, of any alignment.
    ///   - payload: The payload frame that follows, which the checksum covers; nil if none does.
    package func encode(into buffer: UnsafeMutableRawBufferPointer, payload: UnsafeRawBufferPointer? = nil) {
        precondition(buffer.count >= Self.size, "a header takes \(Self.size) bytes, not \(buffer.count)")
        buffer.storeBytes(of: Self.magic.littleEndian, toByteOffset: Offset.magic, as: UInt16.self)
        buffer.storeBytes(of: Self.version, toByteOffset: Offset.version, as: UInt8.self)
        buffer.storeBytes(of: kind.rawValue, toByteOffset: Offset.kind, as: UInt8.self)
        buffer.storeBytes(of: run.littleEndian, toByteOffset: Offset.run, as: UInt32.self)
        buffer.storeBytes(of: member.littleEndian, toByteOffset: Offset.member, as: UInt32.self)
        buffer.storeBytes(of: unit.littleEndian, toByteOffset: Offset.unit, as: UInt32.self)
        buffer.storeBytes(of: step.littleEndian, toByteOffset: Offset.step, as: UInt64.self)
        // Overwrites the upper 16 bits of the step.
        buffer.storeBytes(of: segment.littleEndian, toByteOffset: Offset.segment, as: UInt16.self)
        buffer.storeBytes(of: offset.littleEndian, toByteOffset: Offset.offset, as: UInt32.self)
        let fields = UnsafeRawBufferPointer(rebasing: buffer[..<Offset.checksum])
        let checksum = Self.checksum(fields: fields, payload: payload)
        buffer.storeBytes(of: checksum.littleEndian, toByteOffset: Offset.checksum, as: UInt32.self)
    }

    /// The header frame.
    ///
    /// - Parameter payload: The payload frame that follows; nil if none does.
    /// - Returns: ``size`` bytes.
    package func encoded(payload: [UInt8]? = nil) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Self.size) { buffer, count in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            if let payload {
                payload.withUnsafeBytes { encode(into: buffer, payload: $0) }
            } else {
                encode(into: buffer)
            }
            count = Self.size
        }
    }

    private static func checksum(fields: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer?) -> UInt32 {
        let ofFields = CRC32C.checksum(fields)
        return payload.map { CRC32C.checksum($0, after: ofFields) } ?? ofFields
    }

    /// Checks that a message is as it was sent.
    ///
    /// - Parameters:
    ///   - frame: The header frame, which has been decoded.
    ///   - payload: The payload frame; nil if there is none.
    /// - Throws: `damaged`.
    package static func verify(
        _ frame: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer?
    ) throws(ProtocolError) {
        guard frame.count == size else { throw .truncated(needed: size, found: frame.count) }
        let fields = UnsafeRawBufferPointer(rebasing: frame[..<Offset.checksum])
        let sent = UInt32(littleEndian: frame.loadUnaligned(fromByteOffset: Offset.checksum, as: UInt32.self))
        guard sent == checksum(fields: fields, payload: payload) else { throw .damaged }
    }

    /// Reads a header frame; allocates nothing.
    ///
    /// Checks the version before the size, because a header of another version may have another size. Does not check the
    /// checksum, which covers the payload: see ``verify(_:payload:)``.
    ///
    /// - Parameter frame: The whole frame, of any alignment.
    /// - Throws: `truncated`, `trailingBytes`, `wrongMagic`, `wrongVersion` or `unknownKind`.
    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        let magic = try reader.integer(UInt16.self)
        guard magic == Self.magic else { throw .wrongMagic(found: magic) }
        let version = try reader.integer(UInt8.self)
        guard version == Self.version else { throw .wrongVersion(found: version) }
        let rawKind = try reader.integer(UInt8.self)
        guard let kind = MessageKind(rawValue: rawKind) else { throw .unknownKind(found: rawKind) }
        guard frame.count >= Self.size else { throw .truncated(needed: Self.size, found: frame.count) }
        self.kind = kind
        run = try reader.integer(UInt32.self)
        member = try reader.integer(UInt32.self)
        unit = try reader.integer(UInt32.self)
        let lower = try reader.integer(UInt32.self)
        let upper = try reader.integer(UInt16.self)
        step = UInt64(upper) << 32 | UInt64(lower)
        segment = try reader.integer(UInt16.self)
        offset = try reader.integer(UInt32.self)
        _ = try reader.integer(UInt32.self)
        try reader.finish()
    }
}
