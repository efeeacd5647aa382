package import LockstepTimeline

/// One thread's workspace for a model: computes gradients and scores of blocks of samples.
///
/// It makes its memory when it is made and in ``prepare(rows:)``; the other methods allocate nothing. The caller calls
/// ``load(weights:)``, copies a block into ``inputs`` and ``labels``, and calls ``gradient(rows:input:epoch:into:accumulating:segmentDone:)`` or
/// another method that computes.
package protocol ModelComputer: AnyObject {
    /// The largest number of rows in a block.
    var maximumRows: Int { get }
    /// The block's samples, [maximumRows, inputs], row-major; scratch memory if the samples are read as bytes.
    var inputs: UnsafeMutablePointer<Float> { get }
    /// The samples' classes, [maximumRows].
    var labels: UnsafeMutablePointer<UInt16> { get }
    /// The numbers that the samples' outputs should be, [maximumRows, outputs]; a model of classes does not
    /// read them.
    var targets: UnsafeMutablePointer<Float> { get }
    /// The samples' indices in the data set, [maximumRows], from which random numbers of training are derived.
    var sampleIndices: UnsafeMutablePointer<UInt32> { get }
    /// The address of each sample's bytes, [maximumRows], if the samples are read as bytes.
    var byteRows: UnsafeMutablePointer<UnsafePointer<UInt8>?> { get }
    /// Records the phases of each pass; nil if no report of times is wanted.
    var timeline: Timeline? { get set }
    /// What the model's own code has thrown since this computer was made, the first error; its results since then are NaN. Nil:
    /// nothing.
    var failure: ModelFailure? { get }

    /// Gets ready for blocks of these sizes. Only blocks of prepared sizes may be computed.
    ///
    /// - Parameter rows: Sizes from 1 to ``maximumRows``.
    /// - Throws: `ComputeError` if the compute library cannot compute such blocks.
    func prepare(rows: Set<Int>) throws

    /// Whether a block of this many rows should be read as bytes, if its samples are bytes.
    func prefersBytes(rows: Int) -> Bool

    /// Uses these parameters, [layout.count], from now on. They must be loaded again after each change of a value.
    func load(weights: UnsafePointer<Float>)

    /// Computes the gradient of the loss, summed over the first `rows` samples: the sum, not the mean.
    ///
    /// - Parameters:
    ///   - rows: A prepared number of rows.
    ///   - input: The form of the samples; bytes only if ``prefersBytes(rows:)``.
    ///   - epoch: The epoch of training; dropout draws new masks in each.
    ///   - gradient: Receives the sum, [layout.count].
    ///   - accumulating: Whether the sum is added to the content of `gradient`.
    ///   - segmentDone: Called with a segment's index once its sum is final, the last segment first.
    /// - Returns: The sum of the losses, in double, added row by row.
    func gradient(
        rows: Int, input: BlockInput, epoch: UInt32, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool,
        segmentDone: (Int) throws -> Void
    ) rethrows -> Double

    /// Classifies the first `rows` samples.
    ///
    /// - Parameters:
    ///   - rows: A prepared number of rows.
    ///   - input: The form of the samples; bytes only if ``prefersBytes(rows:)``.
    ///   - predictions: Receives the class of each row's largest output, the lowest class on a tie, [rows]. NaN is never
    ///     the largest; a row of NaNs gives class 0.
    /// - Returns: The number of predictions that equal the labels, and the sum of the losses, in double, added row by row.
    ///   A row with a NaN counts as wrong. A model of numbers counts nothing, and predicts class 0.
    func evaluate(
        rows: Int, input: BlockInput, predictions: UnsafeMutablePointer<Int>
    ) -> (correct: Int, lossSum: Double)

    /// Computes the outputs of the first `rows` samples in ``inputs``, [rows, outputs], row-major; valid until the next
    /// call.
    func outputs(rows: Int) -> UnsafePointer<Float>
}

/// For a model whose code throws nothing.
extension ModelComputer {
    package var failure: ModelFailure? { nil }
}

/// The form of a block's samples.
package enum BlockInput: Sendable {
    /// Floats in ``ModelComputer/inputs``.
    case floats
    /// Bytes at ``ModelComputer/byteRows``; byte b has the value `scale` b. The results have the same bits as with floats.
    case bytes(scale: Float)
}
