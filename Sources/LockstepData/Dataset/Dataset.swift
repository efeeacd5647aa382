import LockstepDigest
package import LockstepSystem

/// Labelled samples in one contiguous, read-only range of bytes (see ``DatasetLayout``).
///
/// The bytes may lie in this process's memory, in a mapped file of the cache, or in a region that processes share. The
/// indices of samples run through all splits: training first, then those that no split uses, then validation, then test.
package final class Dataset: @unchecked Sendable {
    package let description: DatasetDescription
    package let layout: DatasetLayout
    /// All bytes; ``DatasetDescription/sha256`` covers them.
    package let bytes: UnsafeRawBufferPointer

    /// Features, [samples, inputSize], row-major.
    let features: UnsafeRawPointer
    /// Labels, [samples], each below `description.classCount`.
    let labels: UnsafePointer<UInt16>
    /// Targets, [samples], finite; nil if the samples have classes.
    let targets: UnsafePointer<Float>?
    private let owner: AnyObject

    /// Makes a data set over memory that `owner` keeps alive and that no process writes to any more.
    ///
    /// Description and bytes are untrusted: this checks sizes and labels; ``verifyDigest()`` checks the digest. `bytes`
    /// must be aligned for float32, as a page or a heap block is.
    ///
    /// - Throws: ``DataError`` if description and bytes don't fit each other.
    package init(
        description: DatasetDescription, bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataError) {
        let subject = "data set \(description.name)"
        layout = try DatasetLayout(description)
        guard bytes.count == layout.byteCount, let base = bytes.baseAddress else {
            throw DataError(
                .invalidDescription("\(layout.byteCount) bytes are described, there are \(bytes.count)"),
                subject: subject)
        }
        precondition(UInt(bitPattern: base) % UInt(MemoryLayout<Float>.alignment) == 0)
        self.description = description
        self.bytes = bytes
        self.owner = owner
        features = base
        labels = (base + layout.labelOffset).assumingMemoryBound(to: UInt16.self)
        targets = layout.targetOffset.map { (base + $0).assumingMemoryBound(to: Float.self) }
        if let targets, let sample = (0..<layout.sampleCount).first(where: { !targets[$0].isFinite }) {
            throw DataError(
                .invalidDescription("the target of sample \(sample) is not a finite number"), subject: subject)
        }
        for sample in 0..<layout.sampleCount where Int(labels[sample]) >= description.classCount {
            throw DataError(
                .labelOutOfRange(label: Int(labels[sample]), classCount: description.classCount), subject: subject,
                offset: layout.labelOffset + sample * MemoryLayout<UInt16>.stride)
        }
    }

    /// Compares the SHA-256 of the bytes with the description's; takes about 0.6 ms per megabyte.
    ///
    /// - Throws: ``DataError`` if they differ.
    package func verifyDigest() throws(DataError) {
        let found = SHA256.hash(bytes)
        guard found == SHA256Digest(hex: description.sha256) else {
            throw DataError(
                .wrongDigest(expected: description.sha256, found: found.hex),
                subject: "data set \(description.name)")
        }
    }

    /// The region that other processes can map; nil if the bytes lie in other memory.
    package var region: SharedRegion? { owner as? SharedRegion }

    /// Writes bytes that have changed in memory anew.
    ///
    /// - Throws: `SystemError` or ``DataError`` if this process cannot write to the memory.
    func overwrite(_ range: Range<Int>, with content: UnsafeRawBufferPointer) throws {
        guard let region else { throw DataError(.changedInMemory, subject: "data set \(description.name)") }
        try region.overwrite(at: range.lowerBound, with: content)
    }

    /// Flips a bit, as a fault of the memory does, for tests.
    package func flipBit(ofByte index: Int) throws {
        try withUnsafeBytes(of: bytes[index] ^ 1) { try overwrite(index..<index + 1, with: $0) }
    }

    /// The indices of a split's samples, among all samples.
    package func indices(of split: Split) -> Range<Int> {
        let validation = description.trainingCount + description.unusedCount
        let test = validation + description.validationCount
        return switch split {
        case .training: 0..<description.trainingCount
        case .validation: validation..<test
        case .test: test..<layout.sampleCount
        }
    }

    /// The same bytes, of whose training samples only the first `count` are used.
    ///
    /// - Throws: ``DataError`` if there are fewer.
    func usingFirst(_ count: Int) throws(DataError) -> Dataset {
        let available = description.trainingCount
        guard (1...available).contains(count) else {
            throw DataError(
                .invalidTrainingCount(training: count, samples: available), subject: "data set \(description.name)")
        }
        var description = description
        description.trainingCount = count
        description.unusedCount += available - count
        return try Dataset(description: description, bytes: bytes, owner: owner)
    }

    /// The number that the network learns for a sample; nil if the samples have classes.
    package func target(of sample: Int) -> Float? {
        precondition(sample >= 0 && sample < layout.sampleCount)
        return targets?[sample]
    }

    /// The class of a sample.
    package func label(of sample: Int) -> Int {
        precondition(sample >= 0 && sample < layout.sampleCount)
        return Int(labels[sample])
    }
}

/// A part of a data set, by its use.
package enum Split: String, CaseIterable, Codable, Sendable {
    case training, validation, test
}
