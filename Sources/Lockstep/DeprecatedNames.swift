// Programs that were written against earlier names still compile.

/// The earlier name of ``Dataset``.
@available(*, deprecated, renamed: "Dataset")
public typealias Samples = Dataset

/// The earlier name of ``Image``.
@available(*, deprecated, renamed: "Image")
public typealias Picture = Image

/// The earlier name of ``Evaluation``.
@available(*, deprecated, renamed: "Evaluation")
public typealias Score = Evaluation

/// The earlier name of ``BinaryDigitEncoder``.
@available(*, deprecated, renamed: "BinaryDigitEncoder")
public typealias DigitBits = BinaryDigitEncoder

/// The earlier name of ``gradientDescentPath(from:learningRate:steps:derivative:)``.
///
/// - Parameters:
///   - start: The first x.
///   - learningRate: η.
///   - steps: The number of steps.
///   - derivative: f'.
/// - Returns: Every x on the way, [steps + 1].
@available(*, deprecated, renamed: "gradientDescentPath(from:learningRate:steps:derivative:)")
public func gradientDescent(
    from start: Double, learningRate: Double, steps: Int, derivative: (Double) -> Double
) -> [Double] {
    gradientDescentPath(from: start, learningRate: learningRate, steps: steps, derivative: derivative)
}
