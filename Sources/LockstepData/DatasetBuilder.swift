import LockstepDigest

/// A data set in the making: memory of the right size, filled in place, then sealed with its digest.
struct DatasetBuilder {
    private var description: DatasetDescription
    private let layout: DatasetLayout
    private let memory: MappedMemory

    /// Reserves memory for a data set; the class count may still be set by ``finish(classCount:)``.
    init(
        name: String, inputSize: Int, element: DatasetElement, trainingCount: Int, validationCount: Int, testCount: Int
    ) throws(DataError) {
        description = DatasetDescription(
            name: name, inputSize: inputSize, classCount: DatasetLayout.largestClassCount, element: element,
            trainingCount: trainingCount, validationCount: validationCount, testCount: testCount, sha256: "")
        layout = try DatasetLayout(description)
        memory = try MappedMemory(byteCount: layout.byteCount, subject: "data set \(name)")
    }

    /// Features of all samples, to be written to: [samples, inputSize], row-major.
    var features: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<layout.featureByteCount])
    }

    /// Labels of all samples, to be written to: [samples].
    var labels: UnsafeMutableBufferPointer<UInt16> {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[layout.labelOffset...])
        return bytes.assumingMemoryBound(to: UInt16.self)
    }

    /// The data set, once features and labels are written; they must not be written to afterwards.
    func finish(classCount: Int) throws(DataError) -> Dataset {
        var description = description
        let bytes = UnsafeRawBufferPointer(memory.bytes)
        description.classCount = classCount
        description.sha256 = SHA256.hash(bytes).hex
        return try Dataset(description: description, bytes: bytes, owner: memory)
    }
}
