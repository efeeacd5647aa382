import LockstepData
import ZeroMQ

/// A data set that the coordinator sends in parts.
final class IncomingDataset {
    private let description: DatasetDescription
    private let memory: UnsafeMutableRawBufferPointer
    /// Bytes that have come.
    private(set) var filled = 0

    init(_ description: DatasetDescription) throws(DataError) {
        self.description = description
        let layout = try DatasetLayout(description)
        self.memory = .allocate(byteCount: layout.byteCount, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    var count: Int { memory.count }

    /// This part of a data set, if it is part of the one with this description.
    func continued(for description: DatasetDescription) -> IncomingDataset? {
        self.description == description && filled < count ? self : nil
    }

    /// Appends the next part, and ignores any other. Drops bytes beyond the end; the digest is checked later.
    func append(_ part: borrowing Message, at offset: UInt64) {
        guard offset == UInt64(filled) else { return }
        part.withUnsafeBytes { bytes in
            let count = min(bytes.count, memory.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            filled += count
        }
    }

    /// Returns the complete data set.
    ///
    /// - Throws: `DataError` if its digest is not the one in its description.
    func finish() throws(DataError) -> Dataset {
        let dataset = try Dataset(description: description, bytes: UnsafeRawBufferPointer(memory), owner: self)
        try dataset.verifyDigest()
        return dataset
    }
}
