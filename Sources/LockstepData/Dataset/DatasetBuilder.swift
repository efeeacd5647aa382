import LockstepDigest
import LockstepSystem

/// Builds a data set: allocates its memory, lets the caller fill it in place, then computes its digest.
struct DatasetBuilder: ~Copyable {
    private let description: DatasetDescription
    private let layout: DatasetLayout
    private let memory: Memory

    /// A shared region, which other processes can map; this process's memory where the system has none.
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

    /// Allocates the memory of a data set. ``finish(classCount:)`` sets the number of classes.
    init(
        name: String, inputSize: Int, element: DatasetElement, trainingCount: Int, validationCount: Int, testCount: Int,
        hasTargets: Bool = false
    ) throws(DataError) {
        var description = DatasetDescription(
            name: name, inputSize: inputSize, classCount: DatasetLayout.largestClassCount, element: element,
            trainingCount: trainingCount, validationCount: validationCount, testCount: testCount, sha256: "")
        description.hasTargets = hasTargets ? true : nil
        let layout = try DatasetLayout(description)
        let memory = try Memory(byteCount: layout.byteCount, subject: "data set \(name)")
        self.description = description
        self.layout = layout
        self.memory = memory
    }

    /// The features of all samples, to be filled by the caller, [samples, inputSize], row-major.
    var features: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: memory.bytes[..<layout.featureByteCount])
    }

    /// The labels of all samples, to be filled by the caller, [samples].
    var labels: UnsafeMutableBufferPointer<UInt16> {
        let end = layout.labelOffset + layout.sampleCount * MemoryLayout<UInt16>.stride
        let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.bytes[layout.labelOffset..<end])
        return bytes.assumingMemoryBound(to: UInt16.self)
    }

    /// The targets of all samples, to be filled by the caller, [samples]; nil if the samples have classes.
    var targets: UnsafeMutableBufferPointer<Float>? {
        guard let offset = layout.targetOffset else { return nil }
        return UnsafeMutableRawBufferPointer(rebasing: memory.bytes[offset...]).assumingMemoryBound(to: Float.self)
    }

    /// Makes the data set, after the caller has filled features and labels.
    ///
    /// - Parameters:
    ///   - classCount: The number of classes.
    ///   - table: How the fields of its table became values.
    ///   - labels: The names of the classes, if they have other names than their numbers and there is no table.
    ///   - pictures: How its pictures became values.
    ///   - notices: What the user should know about how it was read.
    /// - Returns: The data set.
    /// - Throws: ``DataError`` if its description is impossible.
    consuming func finish(
        classCount: Int, table: TablePreparation? = nil, labels: [String]? = nil, pictures: PicturePreparation? = nil,
        notices: [String] = []
    ) throws(DataError) -> Dataset {
        var description = description
        description.classCount = classCount
        description.table = table
        description.labels = labels
        description.pictures = pictures
        description.notices = notices
        if let targets { description.targetVariances = Self.variances(of: targets, description) }
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

    /// The variance of each split's targets around their mean, in double, added in the samples' order.
    private static func variances(
        of targets: UnsafeMutableBufferPointer<Float>, _ description: DatasetDescription
    ) -> [Split: Double] {
        var start = 0
        var variances: [Split: Double] = [:]
        for (split, count) in [
            (Split.training, description.trainingCount), (.validation, description.validationCount),
            (.test, description.testCount),
        ] {
            let part = targets[start..<start + count]
            start += count
            guard count > 0 else { continue }
            let mean = part.reduce(0.0) { $0 + Double($1) } / Double(count)
            variances[split] = part.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
        }
        return variances
    }
}
