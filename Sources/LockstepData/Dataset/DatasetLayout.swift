/// Where a data set's parts lie in its bytes, worked out and checked from a description that nobody vouches for.
///
/// | part | bytes |
/// | --- | --- |
/// | features, [samples, inputSize], row-major, of ``DatasetElement`` | from 0 |
/// | zeros | up to the next multiple of 64 |
/// | labels, [samples], UInt16 | from ``labelOffset`` to the end |
///
/// Samples stand in the order training, validation, test. All numbers are little-endian.
package struct DatasetLayout: Hashable, Sendable {
    /// Labels are UInt16.
    package static let largestClassCount = 65_536
    /// Values of all samples together, at most; 4 GiB of bytes or 16 GiB of float32.
    package static let largestValueCount = 1 << 32

    package let sampleCount: Int
    /// Bytes of all features, without padding.
    package let featureByteCount: Int
    /// Where the labels start.
    package let labelOffset: Int
    /// Bytes of the whole data set.
    package let byteCount: Int

    /// Checks that the sizes that a description gives are possible; not its digest.
    package init(_ description: DatasetDescription) throws(DataError) {
        func invalid(_ text: String) -> DataError {
            DataError(.invalidDescription(text), subject: "data set \(description.name)")
        }
        let counts = [description.trainingCount, description.validationCount, description.testCount]
        // So that the sum, too, stays far from overflow.
        guard counts.allSatisfy({ (0...IDXHeader.largestCount).contains($0) }), description.trainingCount > 0 else {
            throw invalid("it has \(counts[0]) training, \(counts[1]) validation and \(counts[2]) test samples")
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
        byteCount = labelOffset + sampleCount * MemoryLayout<UInt16>.stride
    }
}

extension DatasetElement {
    /// Bytes of a stored value.
    package var byteCount: Int {
        switch self {
        case .uint8: 1
        case .float32: 4
        }
    }
}
