/// A worker's result for a tree node, without the gradient: 16 bytes. Encoding and decoding allocate nothing, because
/// every step has such results.
package struct NodeResult: MessageBody {
    /// Bytes of an encoded result.
    package static let size = 16
    package static let encodedSizes = size...size

    /// The sum of the samples' losses, added in the summation tree. Any bit pattern decodes; the receiver checks that
    /// it is a number.
    package var lossSum: Double
    /// The worker's computing time, by its own clock.
    package var computeNanoseconds: UInt64

    package init(lossSum: Double, computeNanoseconds: UInt64) {
        self.lossSum = lossSum
        self.computeNanoseconds = computeNanoseconds
    }

    /// Writes ``size`` bytes.
    ///
    /// - Parameter buffer: At least ``size`` bytes, of any alignment.
    package func encode(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Self.size, "a result takes \(Self.size) bytes, not \(buffer.count)")
        buffer.storeBytes(of: lossSum.bitPattern.littleEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: computeNanoseconds.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    package func encoded() -> [UInt8] {
        Array(unsafeUninitializedCapacity: Self.size) { buffer, count in
            encode(into: UnsafeMutableRawBufferPointer(buffer))
            count = Self.size
        }
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        lossSum = try reader.double()
        computeNanoseconds = try reader.integer(UInt64.self)
        try reader.finish()
    }
}
