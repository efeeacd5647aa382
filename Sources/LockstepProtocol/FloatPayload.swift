package import LockstepSharding

/// The payload of `parameters` and `gradient`: only elements of one chunk, float32 or bfloat16, little-endian.
///
/// The chunk is the unit of the sums. A frame carries a part of a chunk, so that it fits the link
/// (``forEachFrame(_:_:elementSize:limit:_:)``). The parts of a chunk are sent in order and without others in between.
///
/// libzmq may return a payload at an address that is no multiple of 4. A reader must not bind such memory to `Float`;
/// it copies the bytes to their destination (``copy(_:to:)``) or reads them with `loadUnaligned`. This program runs
/// only on little-endian platforms, so decoding is copying.
package enum FloatPayload {
    /// Bytes of a float32.
    package static let elementSize = 4
    /// Bytes of a bfloat16.
    package static let smallestElementSize = 2
    /// The most bytes of a frame on the slowest links.
    package static let smallestFrame = 4 << 10

    /// Finds the part of a chunk that a message carries. Accepts any header and size.
    ///
    /// - Parameters:
    ///   - header: The header of a `parameters` or `gradient` message.
    ///   - payloadBytes: The size of the payload frame; 0 if there is none.
    ///   - elementSize: Bytes of an element, 4 or 2.
    ///   - layout: The chunks of the run's parameters.
    /// - Returns: The part of a chunk of the layout.
    /// - Throws: `payloadSize` for a kind or size that carries no floats, `notAChunk` for elements that do not lie within
    ///   one chunk of the layout.
    package static func part(
        of header: Header, payloadBytes: Int, elementSize: Int = elementSize, in layout: ChunkLayout
    ) throws(ProtocolError) -> ChunkPart {
        guard
            header.kind.carriesFloats, header.kind.acceptsPayload(count: payloadBytes),
            payloadBytes % elementSize == 0
        else {
            throw .payloadSize(kind: header.kind, found: payloadBytes)
        }
        let part = layout.part(
            segment: Int(header.segment), offset: Int(header.offset), count: payloadBytes / elementSize)
        guard let part else {
            throw .notAChunk(segment: header.segment, offset: header.offset, payloadBytes: payloadBytes)
        }
        return part
    }

    /// Cuts a chunk's bytes into frames.
    ///
    /// - Parameters:
    ///   - header: The header of the whole chunk.
    ///   - bytes: The chunk's encoded floats.
    ///   - elementSize: Bytes of an element, 4 or 2.
    ///   - limit: The most bytes of a frame, asked for only if the chunk has more than ``smallestFrame``.
    ///   - body: Called with the header and the bytes of each frame, in order.
    /// - Throws: What `body` throws.
    package static func forEachFrame<Failure: Error>(
        _ header: Header, _ bytes: UnsafeRawBufferPointer, elementSize: Int, limit: @autoclosure () -> Int,
        _ body: (Header, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard bytes.count > smallestFrame, case let limit = limit(), bytes.count > limit else {
            return try body(header, bytes)
        }
        let step = max(smallestFrame, limit) / elementSize * elementSize
        var header = header
        for start in stride(from: 0, to: bytes.count, by: step) {
            let frame = UnsafeRawBufferPointer(rebasing: bytes[start..<min(bytes.count, start + step)])
            try body(header, frame)
            header.offset += UInt32(frame.count / elementSize)
        }
    }

    /// Copies a payload of any alignment into a buffer of floats.
    ///
    /// - Parameters:
    ///   - payload: As many bytes as the buffer has; ``part(of:payloadBytes:elementSize:in:)`` checks this.
    ///   - floats: The elements.
    package static func copy(_ payload: UnsafeRawBufferPointer, to floats: UnsafeMutableBufferPointer<Float>) {
        let target = UnsafeMutableRawBufferPointer(floats)
        precondition(payload.count == target.count, "\(payload.count) bytes for \(floats.count) floats")
        target.copyMemory(from: payload)
    }
}

extension MessageKind {
    /// Whether the payload is floats of a chunk.
    package var carriesFloats: Bool { self == .parameters || self == .gradient }
}
