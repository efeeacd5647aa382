/// A model of your own: a loss as a function of parameters and labelled samples, with its gradient.
///
/// Any Swift program becomes data-parallel with one: ``Learner/fit(_:_:on:recording:resuming:keeping:progress:)`` cuts each mini-batch
/// into shards, computes their gradients in worker processes, which are the program itself, and adds them in a fixed order. The
/// weights are the same to the last bit with any number of workers, and if some die.
///
/// A model is a value that describes itself. It is `Codable`, because workers make it from its settings. Two rules make a run
/// exact: the functions compute from their arguments alone, and they add in a fixed order. Lockstep proves before the first step
/// that two processes, and two places in memory, give the same bits. Subnormal numbers count as zero.
///
/// ```swift
/// struct LogisticRegression: TrainableModel {
///     var inputCount = 784
///     var outputCount = 10
///     var parameters: [ParameterTensor] { [.weights("weight", [outputCount, inputCount]), .biases("bias", [outputCount])] }
///     ...
/// }
///
/// Lockstep.workerMain(LogisticRegression.self)
/// let learner = try Learner(LogisticRegression())
/// let (trained, result) = try await learner.fitted(digits, TrainingConfiguration(epochs: 5, batch: 100), on: .workers(4))
/// ```
public protocol TrainableModel: Codable, Sendable {
    /// Memory that one thread keeps between calls, such as activations.
    associatedtype Workspace = Void

    /// The name that workers, files and messages call the model by: letters, digits, `-` and `_`. The default is the type's name.
    static var modelName: String { get }

    /// Values of a sample.
    var inputCount: Int { get }
    /// Scores that the model gives to a sample: one for each class, unless ``learnsNumbers``.
    var outputCount: Int { get }
    /// The tensors of the parameters, in the order of the buffer that has all of them.
    var parameters: [ParameterTensor] { get }
    /// The most samples of a block. It is part of the arithmetic: the default is 256.
    var maximumBlockRows: Int { get }
    /// Whether epochs are compared by their mean loss, the lower the better, and not by the samples that are classified correctly.
    /// The default is false.
    var learnsNumbers: Bool { get }

    /// Writes the initial parameters, which are 0 before.
    ///
    /// - Parameters:
    ///   - parameters: All parameters, [``parameters``' elements].
    ///   - random: Random numbers of the run's seed.
    func initialize(_ parameters: inout MutableSpan<Float>, random: RandomNumbers)

    /// Makes the memory of one thread, for blocks of up to so many rows.
    func makeWorkspace(rows: Int) throws -> Workspace

    /// Adds the gradient of the loss, summed over the block's samples, to `gradient`: the sum, not the mean.
    ///
    /// An error that it throws ends the run; the message names the worker, the step and the shard.
    ///
    /// - Parameters:
    ///   - block: The samples.
    ///   - parameters: All parameters, in the buffer's order.
    ///   - gradient: The sum so far, in the same order.
    ///   - workspace: The thread's memory.
    /// - Returns: The sum of the samples' losses.
    /// - Throws: What the model cannot compute.
    func addGradient(
        of block: SampleBlock, parameters: Span<Float>, to gradient: inout MutableSpan<Float>,
        workspace: inout Workspace
    ) throws -> Double

    /// Computes the scores of the block's samples.
    ///
    /// - Parameters:
    ///   - block: The samples; their labels are for ``loss(of:outputs:)`` only.
    ///   - parameters: All parameters.
    ///   - outputs: Receives the scores, [rows, outputCount], row-major.
    ///   - workspace: The thread's memory.
    /// - Throws: What the model cannot compute.
    func computeOutputs(
        of block: SampleBlock, parameters: Span<Float>, into outputs: inout MutableSpan<Float>,
        workspace: inout Workspace
    ) throws

    /// The sum of the losses of the block's samples, given their scores, for evaluations.
    func loss(of block: SampleBlock, outputs: Span<Float>) throws -> Double

    /// The samples of the block that are right, given their scores. The default counts those whose largest score is the label's.
    func correctCount(of block: SampleBlock, outputs: Span<Float>) throws -> Int
}

extension TrainableModel {
    /// The type's name.
    public static var modelName: String { "\(Self.self)" }
    /// 256.
    public var maximumBlockRows: Int { 256 }
    /// False.
    public var learnsNumbers: Bool { false }

    /// The samples whose largest score is the label's; the lowest class wins a tie.
    public func correctCount(of block: SampleBlock, outputs: Span<Float>) throws -> Int {
        var count = 0
        for row in 0..<block.rowCount where largestOutput(ofRow: row, outputs) == Int(block.labels[row]) { count += 1 }
        return count
    }

    /// The class of a row's largest score, the lowest class on a tie. NaN is never the largest.
    func largestOutput(ofRow row: Int, _ outputs: Span<Float>) -> Int {
        var (best, value) = (0, -Float.infinity)
        for index in 0..<outputCount where outputs[row * outputCount + index] > value {
            (best, value) = (index, outputs[row * outputCount + index])
        }
        return best
    }
}

extension TrainableModel where Workspace == Void {
    /// No memory.
    public func makeWorkspace(rows: Int) throws {}
}

/// A tensor of a model's parameters.
public struct ParameterTensor: Hashable, Sendable {
    /// Its name in files.
    public let name: String
    /// Its dimensions, row-major.
    public let shape: [Int]
    /// Whether weight decay applies to it.
    public let decays: Bool

    /// Weights, to which weight decay applies.
    public static func weights(_ name: String, _ shape: [Int]) -> ParameterTensor {
        ParameterTensor(name: name, shape: shape, decays: true)
    }

    /// Biases or scales, to which weight decay does not apply.
    public static func biases(_ name: String, _ shape: [Int]) -> ParameterTensor {
        ParameterTensor(name: name, shape: shape, decays: false)
    }
}
