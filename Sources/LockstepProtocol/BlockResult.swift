import LockstepSharding

/// A worker's result for one block of an evaluation.
package struct BlockResult: MessageBody {
    /// The most classes that a block can name: it has at most so many samples, and each is given one class.
    package static let maximumClasses = BlockPartition.evaluationRows
    private static let fixedSize = 28
    private static let classSize = 8
    package static let encodedSizes = fixedSize...fixedSize + classSize * maximumClasses

    /// The sum of the samples' losses. Any bit pattern decodes; the receiver checks that it is a number.
    package var lossSum: Double
    /// The worker's computing time, by its own clock.
    package var computeNanoseconds: UInt64
    /// The number of samples that are classified correctly.
    package var correct: UInt32
    /// The number of samples in the block.
    package var total: UInt32
    /// How often each class was predicted, by the class; classes that were never predicted are missing. So a network may
    /// have more outputs than a message has room for.
    package var predictions: [UInt32: UInt32]

    /// - Parameters:
    ///   - lossSum: The sum of the samples' losses.
    ///   - computeNanoseconds: The worker's computing time.
    ///   - correct: Samples that were classified correctly.
    ///   - total: Samples in the block.
    ///   - predictions: How often each class was predicted; at most ``maximumClasses``.
    package init(
        lossSum: Double, computeNanoseconds: UInt64, correct: UInt32, total: UInt32, predictions: [UInt32: UInt32]
    ) {
        precondition(predictions.count <= Self.maximumClasses, "\(predictions.count) classes")
        self.lossSum = lossSum
        self.computeNanoseconds = computeNanoseconds
        self.correct = correct
        self.total = total
        self.predictions = predictions
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.fixedSize + Self.classSize * predictions.count)
        writer.append(lossSum)
        writer.append(computeNanoseconds)
        writer.append(correct)
        writer.append(total)
        writer.append(UInt32(predictions.count))
        for (label, count) in predictions.sorted(by: { $0.key < $1.key }) {
            writer.append(label)
            writer.append(count)
        }
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
        guard reader.remaining >= Self.classSize * count else {
            throw .truncated(needed: Self.fixedSize + Self.classSize * count, found: frame.count)
        }
        predictions = [:]
        predictions.reserveCapacity(count)
        var last: UInt32?
        for _ in 0..<count {
            let label = try reader.integer(UInt32.self)
            guard label > last ?? 0 || last == nil else { throw .inconsistent(.blockResult) }
            predictions[label] = try reader.integer(UInt32.self)
            last = label
        }
        try reader.finish()
    }
}
