/// The position of a data set's parts in its bytes, computed from an untrusted description.
///
/// | part | bytes |
/// | --- | --- |
/// | features, [samples, inputSize], row-major, of ``DatasetElement`` | from 0 |
/// | zeros | to the next multiple of 64 |
/// | labels, [samples], UInt16 | from ``labelOffset`` |
/// | if the samples have targets: zeros | to the next multiple of 64 |
/// | if the samples have targets: these, [samples], float32 | from ``targetOffset`` to the end |
///
/// Samples stand in the order training, unused, validation, test. All numbers are little-endian.
package struct DatasetLayout: Hashable, Sendable {
    /// Labels are UInt16.
    static let largestClassCount = 65_536
    /// The largest number of values of all samples together: 4 GiB of bytes or 16 GiB of float32.
    static let largestValueCount = 1 << 32

    package let sampleCount: Int
    /// The size of all features in bytes, without padding.
    let featureByteCount: Int
    /// The offset of the labels.
    package let labelOffset: Int
    /// The offset of the targets; nil if the samples have classes.
    package let targetOffset: Int?
    /// The size of the whole data set in bytes.
    package let byteCount: Int

    /// Checks that a description's sizes are possible; does not check its digest.
    ///
    /// - Throws: ``DataError`` if they are not.
    package init(_ description: DatasetDescription) throws(DataError) {
        func invalid(_ text: String) -> DataError {
            DataError(.invalidDescription(text), subject: "data set \(description.name)")
        }
        let counts = [
            description.trainingCount, description.unusedCount, description.validationCount, description.testCount,
        ]
        // The limit also keeps the sum of the counts far from overflow.
        guard counts.allSatisfy({ (0...IDXHeader.largestCount).contains($0) }), description.trainingCount > 0 else {
            throw invalid(
                "it has \(counts[0]) training, \(counts[1]) unused, \(counts[2]) validation and \(counts[3]) test samples"
            )
        }
        guard (2...DatasetLayout.largestClassCount).contains(description.classCount) else {
            throw invalid("it has \(description.classCount) classes")
        }
        sampleCount = counts.reduce(0, +)
        let (valueCount, overflow) = sampleCount.multipliedReportingOverflow(by: description.inputSize)
        guard description.inputSize > 0, !overflow, valueCount <= DatasetLayout.largestValueCount,
            sampleCount <= IDXHeader.largestCount
        else { throw invalid("it has \(sampleCount) samples of \(description.inputSize) values") }
        featureByteCount = valueCount * description.element.byteCount
        labelOffset = (featureByteCount + 63) & ~63
        let labelEnd = labelOffset + sampleCount * MemoryLayout<UInt16>.stride
        if description.hasTargets == true {
            let offset = (labelEnd + 63) & ~63
            targetOffset = offset
            byteCount = offset + sampleCount * MemoryLayout<Float>.stride
        } else {
            targetOffset = nil
            byteCount = labelEnd
        }
    }
}

extension DatasetElement {
    /// The size of a stored value in bytes.
    package var byteCount: Int {
        switch self {
        case .uint8: 1
        case .float32: 4
        }
    }
}
