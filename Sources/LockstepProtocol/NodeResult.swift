/// What comes with a node's gradient: 16 bytes, sent once in each step, so written and read without allocation.
package struct NodeResult: MessageBody {
    /// Bytes of an encoded result.
    package static let size = 16
    package static let encodedSizes = size...size

    /// The sum of the samples' costs, added up in the shards' tree. Any bit pattern: whether it is a number is for the
    /// receiver to check.
    package var loss: Double
    /// How long the worker computed, by its own clock.
    package var computeNanoseconds: UInt64

    package init(loss: Double, computeNanoseconds: UInt64) {
        self.loss = loss
        self.computeNanoseconds = computeNanoseconds
    }

    /// Writes ``size`` bytes.
    ///
    /// - Parameter buffer: At least ``size`` bytes, of any alignment.
    package func encode(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= Self.size, "a result takes \(Self.size) bytes, not \(buffer.count)")
        buffer.storeBytes(of: loss.bitPattern.littleEndian, toByteOffset: 0, as: UInt64.self)
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
        loss = try reader.double()
        computeNanoseconds = try reader.integer(UInt64.self)
        try reader.finish()
    }
}
