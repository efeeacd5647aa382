import LockstepData
import LockstepNetwork

/// How a block's samples get from the data set into the network: as floats or, where that is faster, as the bytes that they
/// are.
extension Backpropagation {
    /// Gathers the samples with the given numbers, and their classes; where they are then. `asFloats`: somebody is to alter
    /// them.
    func gather(
        _ numbers: UnsafeBufferPointer<UInt32>, of dataset: Dataset, asFloats: Bool = false
    ) -> Input {
        dataset.gatherLabels(numbers, into: labels)
        if !asFloats, let scale = dataset.byteScale, prefersBytes(rows: numbers.count) {
            dataset.locate(numbers, in: byteRows)
            return .bytes(scale: scale)
        }
        dataset.gather(numbers, into: inputs)
        return .floats
    }

    /// Gathers consecutive samples, and their classes; where they are then.
    func gather(_ numbers: Range<Int>, of dataset: Dataset) -> Input {
        dataset.gatherLabels(numbers, into: labels)
        if let scale = dataset.byteScale, prefersBytes(rows: numbers.count) {
            dataset.locate(numbers, in: byteRows)
            return .bytes(scale: scale)
        }
        dataset.gather(numbers, into: inputs)
        return .floats
    }
}
