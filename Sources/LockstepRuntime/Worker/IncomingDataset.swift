import LockstepData
import ZeroMQ

/// A data set that arrives piece by piece.
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

    /// Adds the next piece, and no other; bytes beyond the end are dropped, as the digest will tell.
    func append(_ piece: borrowing Message, at offset: UInt64) {
        guard offset == UInt64(filled) else { return }
        piece.withUnsafeBytes { bytes in
            let taken = min(bytes.count, memory.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: memory[filled..<filled + taken])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<taken]))
            filled += taken
        }
    }

    /// The data set, checked against the digest that was promised.
    func finish() throws(DataError) -> Dataset {
        let dataset = try Dataset(description: description, bytes: UnsafeRawBufferPointer(memory), owner: self)
        try dataset.verifyDigest()
        return dataset
    }
}
