import LockstepDigest
import LockstepSystem

/// A data set in the making: memory of the right size, filled in place, then sealed with its digest.
struct DatasetBuilder: ~Copyable {
    private let description: DatasetDescription
    private let layout: DatasetLayout
    private let memory: Memory

    /// Memory that other processes can be given, where the system has such.
    private enum Memory: ~Copyable {
        case shared(SharedRegionDraft)
        case own(MappedMemory)

        init(byteCount: Int, subject: String) throws(DataError) {
            if let draft = try? SharedRegionDraft(name: "lockstep-data", byteCount: byteCount) {
                self = .shared(draft)
            } else {
                self = .own(try MappedMemory(byteCount: byteCount, subject: subject))
            }
        }

        var bytes: UnsafeMutableRawBufferPointer {
            switch self {
            case .shared(let draft): draft.bytes
            case .own(let memory): memory.bytes
            }
        }
    }

    /// Reserves memory for a data set; the class count may still be set by ``finish(classCount:)``.
    init(
        name: String, inputSize: Int, element: DatasetElement, trainingCount: Int, validationCount: Int, testCount: Int
    ) throws(DataError) {
        let description = DatasetDescription(
            name: name, inputSize: inputSize, classCount: DatasetLayout.largestClassCount, element: element,
            trainingCount: trainingCount, validationCount: validationCount, testCount: testCount, sha256: "")
        let layout = try DatasetLayout(description)
        let memory = try Memory(byteCount: layout.byteCount, subject: "data set \(name)")
        self.description = description
        self.layout = layout
        self.memory = memory
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

    /// The data set, once features and labels are written.
    consuming func finish(classCount: Int) throws(DataError) -> Dataset {
        var description = description
        description.classCount = classCount
        switch consume memory {
        case .shared(let draft):
            let region: SharedRegion
            do throws(SystemError) {
                region = try SharedRegion(sealing: draft)
            } catch {
                throw DataError(system: error.code, subject: "data set \(description.name)")
            }
            let bytes = UnsafeRawBufferPointer(region.bytes)
            description.sha256 = SHA256.hash(bytes).hex
            return try Dataset(description: description, bytes: bytes, owner: region)
        case .own(let memory):
            let bytes = UnsafeRawBufferPointer(memory.bytes)
            description.sha256 = SHA256.hash(bytes).hex
            return try Dataset(description: description, bytes: bytes, owner: memory)
        }
    }
}
