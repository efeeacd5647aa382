/// A worker's result for one block of an evaluation.
package struct BlockResult: MessageBody {
    /// The most classes: labels are 16 bits wide.
    package static let maximumClasses = 1 << 16
    private static let fixedSize = 28
    package static let encodedSizes = fixedSize...fixedSize + 4 * maximumClasses

    /// The sum of the samples' losses. Any bit pattern decodes; the receiver checks that it is a number.
    package var lossSum: Double
    /// The worker's computing time, by its own clock.
    package var computeNanoseconds: UInt64
    /// The number of samples that are classified correctly.
    package var correct: UInt32
    /// The number of samples in the block.
    package var total: UInt32
    /// The number of predictions of each class.
    package var predictions: [UInt32]

    /// - Parameters:
    ///   - lossSum: The sum of the samples' losses.
    ///   - computeNanoseconds: The worker's computing time.
    ///   - correct: The number of samples that are classified correctly.
    ///   - total: The number of samples in the block.
    ///   - predictions: The number of predictions of each class; at most ``maximumClasses``.
    package init(lossSum: Double, computeNanoseconds: UInt64, correct: UInt32, total: UInt32, predictions: [UInt32]) {
        precondition(predictions.count <= Self.maximumClasses, "\(predictions.count) classes")
        self.lossSum = lossSum
        self.computeNanoseconds = computeNanoseconds
        self.correct = correct
        self.total = total
        self.predictions = predictions
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.fixedSize + 4 * predictions.count)
        writer.append(lossSum)
        writer.append(computeNanoseconds)
        writer.append(correct)
        writer.append(total)
        writer.append(UInt32(predictions.count))
        for count in predictions { writer.append(count) }
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        lossSum = try reader.double()
        computeNanoseconds = try reader.integer(UInt64.self)
        correct = try reader.integer(UInt32.self)
        total = try reader.integer(UInt32.self)
        let count = Int(try reader.integer(UInt32.self))
        guard count <= Self.maximumClasses else { throw .tooManyEntries(found: count, limit: Self.maximumClasses) }
        guard reader.remaining >= 4 * count else {
            throw .truncated(needed: Self.fixedSize + 4 * count, found: frame.count)
        }
        predictions = []
        predictions.reserveCapacity(count)
        for _ in 0..<count { predictions.append(try reader.integer(UInt32.self)) }
        try reader.finish()
    }
}
