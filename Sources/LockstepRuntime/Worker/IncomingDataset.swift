import LockstepData
import ZeroMQ

/// A data set that the coordinator sends in pieces.
final class IncomingDataset {
    private let description: DatasetDescription
    private let memory: UnsafeMutableRawBufferPointer
    private var filled = 0

    init(_ description: DatasetDescription) throws(DataError) {
        self.description = description
        let layout = try DatasetLayout(description)
        self.memory = .allocate(byteCount: layout.byteCount, alignment: 64)
    }

    deinit {
        memory.deallocate()
    }

    var count: Int { memory.count }

    /// Appends a piece if it is the next one, and ignores any other. Drops bytes beyond the end; the digest is checked
    /// later.
    func append(_ piece: borrowing Message, at offset: UInt64) {
        guard offset == UInt64(filled) else { return }
        piece.withUnsafeBytes { bytes in
            let count = min(bytes.count, memory.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            filled += count
        }
    }

    /// The complete data set, after a check of the digest in its description.
    func finish() throws(DataError) -> Dataset {
        let dataset = try Dataset(description: description, bytes: UnsafeRawBufferPointer(memory), owner: self)
        try dataset.verifyDigest()
        return dataset
    }
}
