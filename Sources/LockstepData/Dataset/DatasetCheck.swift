import LockstepNumerics
import LockstepSystem

/// Finds and repairs bytes of a data set that have changed in memory, by a fault of the memory or of the processor.
///
/// A digest of each block is computed once; the blocks are read again and compared now and then. Where workers of this
/// host map the same memory, this checks and repairs it for them too.
package final class DatasetCheck {
    /// Bytes of a block.
    static let blockSize = 1 << 20

    private let dataset: Dataset
    private let digests: [UInt32]
    /// Loads another copy of the data set; nil if there is nowhere to load it from.
    private let load: (() throws -> Dataset)?

    /// Reads the data set, and relies on what it reads.
    ///
    /// - Parameters:
    ///   - dataset: The data set; its digest has been checked.
    ///   - load: Loads another copy of it; nil if there is nowhere to load it from.
    package init(_ dataset: Dataset, load: (() throws -> Dataset)? = nil) {
        self.dataset = dataset
        self.load = load
        digests = Self.blocks(of: dataset).map { Self.digest(of: dataset.bytes[$0]) }
    }

    /// The blocks that have changed, as ranges of bytes. Reads all bytes: a millisecond for about ten megabytes.
    package func changedBlocks() -> [Range<Int>] {
        zip(Self.blocks(of: dataset), digests).filter { Self.digest(of: dataset.bytes[$0]) != $1 }.map(\.0)
    }

    /// Writes what changed anew, from another copy of the data set.
    ///
    /// - Throws: Why there is no such copy, or why the memory cannot be written.
    package func repair() throws {
        let changed = changedBlocks()
        guard !changed.isEmpty else { return }
        let subject = "data set \(dataset.description.name)"
        guard let load else { throw DataError(.changedInMemory, subject: subject, offset: changed.first?.lowerBound) }
        let copy = try load()
        guard copy.description == dataset.description else { throw DataError(.changedInMemory, subject: subject) }
        for block in changed {
            try dataset.overwrite(block, with: UnsafeRawBufferPointer(rebasing: copy.bytes[block]))
        }
        let remaining = withExtendedLifetime(copy) { changedBlocks() }
        guard remaining.isEmpty else { throw DataError(.changedInMemory, subject: subject) }
    }

    private static func blocks(of dataset: Dataset) -> [Range<Int>] {
        stride(from: 0, to: dataset.bytes.count, by: blockSize).map {
            $0..<min($0 + blockSize, dataset.bytes.count)
        }
    }

    /// A sum of the block's words: one changed bit changes it.
    private static func digest(of block: Slice<UnsafeRawBufferPointer>) -> UInt32 {
        let bytes = UnsafeRawBufferPointer(rebasing: block)
        let words = bytes.count / MemoryLayout<Float>.stride
        var sum: UInt32 = 0
        if let base = bytes.baseAddress { sum = sumBits(base.assumingMemoryBound(to: Float.self), count: words) }
        for index in words * MemoryLayout<Float>.stride..<bytes.count {
            sum &+= UInt32(bytes[index]) &<< UInt32(8 * (index % MemoryLayout<Float>.stride))
        }
        return sum
    }
}
