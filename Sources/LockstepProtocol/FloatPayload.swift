package import LockstepSharding

/// The payload of `parameters` and `gradient`: only the elements of one chunk, float32 or bfloat16, little-endian.
///
/// libzmq may return a payload at an address that is no multiple of 4. A reader must not bind such memory to `Float`;
/// it copies the bytes to their destination (``copy(_:to:)``) or reads them with `loadUnaligned`. This program runs
/// only on little-endian platforms, so decoding is copying.
package enum FloatPayload {
    /// Bytes of a float32.
    package static let elementSize = 4
    /// Bytes of a bfloat16.
    package static let smallestElementSize = 2

    /// Finds the chunk that a message carries. Accepts any header and size.
    ///
    /// - Parameters:
    ///   - header: The header of a `parameters` or `gradient` message.
    ///   - payloadBytes: The size of the payload frame; 0 if there is none.
    ///   - elementSize: Bytes of an element, 4 or 2.
    ///   - layout: The chunks of the run's parameters.
    /// - Returns: The index of the chunk in the layout.
    /// - Throws: `payloadSize` for a kind or size that carries no floats, `notAChunk` for elements that are not exactly
    ///   one chunk of the layout.
    package static func chunkIndex(
        of header: Header, payloadBytes: Int, elementSize: Int = elementSize, in layout: ChunkLayout
    ) throws(ProtocolError) -> Int {
        guard
            header.kind.carriesFloats, header.kind.acceptsPayload(count: payloadBytes),
            payloadBytes % elementSize == 0
        else {
            throw .payloadSize(kind: header.kind, found: payloadBytes)
        }
        let index = layout.index(
            segment: Int(header.segment), offset: Int(header.offset), count: payloadBytes / elementSize)
        guard let index else {
            throw .notAChunk(segment: header.segment, offset: header.offset, payloadBytes: payloadBytes)
        }
        return index
    }

    /// Copies a payload of any alignment into a buffer of floats.
    ///
    /// - Parameters:
    ///   - payload: As many bytes as the buffer has; ``chunkIndex(of:payloadBytes:elementSize:in:)`` checks this.
    ///   - floats: The chunk's elements.
    package static func copy(_ payload: UnsafeRawBufferPointer, to floats: UnsafeMutableBufferPointer<Float>) {
        let target = UnsafeMutableRawBufferPointer(floats)
        precondition(payload.count == target.count, "\(payload.count) bytes for \(floats.count) floats")
        target.copyMemory(from: payload)
    }
}

extension MessageKind {
    /// Whether the payload is a chunk's floats.
    package var carriesFloats: Bool { self == .parameters || self == .gradient }
}
