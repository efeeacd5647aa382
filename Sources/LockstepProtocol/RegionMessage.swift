/// A message between the coordinator and a worker on its host, over the unix socket that passes shared memory: 16
/// bytes, little-endian. The socket is a stream, so several messages may arrive at once.
///
/// | offset | bytes | field | why it is there |
/// | --- | --- | --- | --- |
/// | 0 | 2 | magic | "LR": distinguishes it from anything else on a standard input |
/// | 2 | 1 | version | ``Header/version`` |
/// | 3 | 1 | kind | ``Kind`` |
/// | 4 | 4 | run | identifies messages of an earlier run |
/// | 8 | 4 | member | the member that the regions belong to |
/// | 12 | 4 | slots | in an offer, the number of gradients that fit into the member's region; otherwise 0 |
package struct RegionMessage: Hashable, Sendable {
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// Worker to coordinator: requests shared memory for this member.
        case claim = 1
        /// Coordinator to worker: offers shared memory. The message carries the descriptors of the weights, the
        /// member's gradients, the data set and, if tasks and answers are records, the member's mailbox, in this order.
        case offer = 2
        /// Coordinator to worker: refuses; the payload is sent in messages.
        case refusal = 3
        /// Either way: there is a record in the mailbox of the receiver, which sleeps.
        case wake = 4
    }

    /// Bytes of an encoded message.
    package static let size = 16
    /// "LR" in memory.
    package static let magic: UInt16 = 0x524C
    /// The number of descriptors in an offer, without and with a mailbox.
    package static let offeredFiles = 3...4

    package var kind: Kind
    package var run: UInt32
    package var member: UInt32
    package var slots: UInt32

    package init(_ kind: Kind, run: UInt32, member: UInt32, slots: UInt32 = 0) {
        self.kind = kind
        self.run = run
        self.member = member
        self.slots = slots
    }

    /// Writes ``size`` bytes.
    ///
    /// - Parameter buffer: At least ``size`` bytes, of any alignment.
    package func encode(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Self.size, "a region message takes \(Self.size) bytes, not \(buffer.count)")
        buffer.storeBytes(of: Self.magic.littleEndian, toByteOffset: 0, as: UInt16.self)
        buffer.storeBytes(of: Header.version, toByteOffset: 2, as: UInt8.self)
        buffer.storeBytes(of: kind.rawValue, toByteOffset: 3, as: UInt8.self)
        buffer.storeBytes(of: run.littleEndian, toByteOffset: 4, as: UInt32.self)
        buffer.storeBytes(of: member.littleEndian, toByteOffset: 8, as: UInt32.self)
        buffer.storeBytes(of: slots.littleEndian, toByteOffset: 12, as: UInt32.self)
    }

    /// Reads a message. Total: any bytes give a message or an error.
    ///
    /// - Parameter bytes: The whole message, of any alignment.
    /// - Throws: `truncated`, `trailingBytes`, `wrongMagic`, `wrongVersion` or `unknownKind`.
    package init(decoding bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(bytes)
        let magic = try reader.integer(UInt16.self)
        guard magic == Self.magic else { throw .wrongMagic(found: magic) }
        let version = try reader.integer(UInt8.self)
        guard version == Header.version else { throw .wrongVersion(found: version) }
        let rawKind = try reader.integer(UInt8.self)
        guard let kind = Kind(rawValue: rawKind) else { throw .unknownKind(found: rawKind) }
        self.kind = kind
        run = try reader.integer(UInt32.self)
        member = try reader.integer(UInt32.self)
        slots = try reader.integer(UInt32.self)
        try reader.finish()
    }
}
