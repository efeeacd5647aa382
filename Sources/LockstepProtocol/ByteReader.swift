import LockstepText

/// Reads a frame field by field. It never reads past the frame's end, and never allocates more than the frame holds.
package struct ByteReader {
    private let frame: UnsafeRawBufferPointer
    private var position = 0

    package init(_ frame: UnsafeRawBufferPointer) {
        self.frame = frame
    }

    /// The number of bytes not read yet.
    package var remaining: Int { frame.count - position }

    package mutating func integer<Integer: FixedWidthInteger & BitwiseCopyable>(
        _: Integer.Type
    ) throws(ProtocolError) -> Integer {
        let start = try advance(by: MemoryLayout<Integer>.size)
        return Integer(littleEndian: frame.loadUnaligned(fromByteOffset: start, as: Integer.self))
    }

    package mutating func double() throws(ProtocolError) -> Double {
        Double(bitPattern: try integer(UInt64.self))
    }

    package mutating func bytes(count: Int) throws(ProtocolError) -> [UInt8] {
        let start = try advance(by: count)
        return Array(frame[start..<start + count])
    }

    package mutating func text() throws(ProtocolError) -> String {
        let count = Int(try integer(UInt16.self))
        guard count <= MessageText.maximumBytes else {
            throw .textTooLong(found: count, limit: MessageText.maximumBytes)
        }
        let start = try advance(by: count)
        let bytes = UnsafeRawBufferPointer(rebasing: frame[start..<start + count])
        guard let text = String(validating: bytes, as: UTF8.self), text.isPrintable else { throw .invalidText }
        return text
    }

    /// Throws `trailingBytes` if the frame has further bytes.
    package func finish() throws(ProtocolError) {
        guard remaining == 0 else { throw .trailingBytes(count: remaining) }
    }

    /// Advances by `count` bytes and returns where they start.
    private mutating func advance(by count: Int) throws(ProtocolError) -> Int {
        guard count <= remaining else { throw .truncated(needed: position + count, found: frame.count) }
        defer { position += count }
        return position
    }
}
