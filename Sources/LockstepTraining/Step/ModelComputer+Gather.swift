import LockstepData
import LockstepModel

/// Copies a block's samples from the data set into a model's workspace: as floats or, where that is faster, as bytes.
extension ModelComputer {
    /// Copies these samples and their labels into the input buffers, and returns where they are.
    ///
    /// - Parameters:
    ///   - indices: The samples in the data set.
    ///   - dataset: The data set.
    ///   - asFloats: Whether the samples must be floats, because they will be altered.
    /// - Returns: Where the samples are.
    func gather(
        _ indices: UnsafeBufferPointer<UInt32>, of dataset: Dataset, asFloats: Bool = false
    ) -> BlockInput {
        dataset.gatherLabels(indices, into: labels)
        dataset.gatherTargets(indices, into: targets)
        if !asFloats, let scale = dataset.byteScale, prefersBytes(rows: indices.count) {
            dataset.locate(indices, in: byteRows)
            return .bytes(scale: scale)
        }
        dataset.gather(indices, into: inputs)
        return .floats
    }

    /// Copies consecutive samples and their labels into the input buffers, and returns where they are.
    func gather(_ indices: Range<Int>, of dataset: Dataset) -> BlockInput {
        dataset.gatherLabels(indices, into: labels)
        dataset.gatherTargets(indices, into: targets)
        if let scale = dataset.byteScale, prefersBytes(rows: indices.count) {
            dataset.locate(indices, in: byteRows)
            return .bytes(scale: scale)
        }
        dataset.gather(indices, into: inputs)
        return .floats
    }
}
