import Foundation

/// How well a candidate is a digit, as a penalty: the negative logarithm of a probability.
///
/// The constants were fitted by random search on rows of touching digits of MNIST's test split, with the network of
/// `config/mnist-conv.yaml`; the rows of the tests have other seeds.
package enum DigitScore {
    // A doubtful answer costs more for a wide candidate, so that one doubtful digit is not preferred to two good ones. Great doubt
    // weighs once, whatever the width: a poor network doubts every digit.
    private static let costOfDoubt: Float = 1
    private static let greatDoubt: Float = 0.3
    private static let costOfWideDoubt: Float = 4
    private static let widest: Float = 1.5
    // Digits wider than high.
    private static let usualWidth: Float = 0.97
    private static let costOfWidth: Float = 13
    // Digits lower or higher than their neighbours.
    private static let usualHeights: ClosedRange<Float> = 0.72...1.15
    private static let costOfLowness: Float = 6
    private static let costOfHeight: Float = 3
    /// Touching digits are read as one too often without a reward for each digit.
    private static let reward: Float = 0.33

    /// The penalty of a candidate.
    ///
    /// - Parameters:
    ///   - candidate: Its sizes are in digit heights.
    ///   - certainty: How likely the network's answer is, from 0 to 1.
    /// - Returns: The penalty; below 0 for a good digit.
    package static func penalty(of candidate: DigitRow.Candidate, certainty: Float) -> Float {
        let doubt = -log(max(certainty, 1e-4))
        let tooWide = max(0, candidate.width - usualWidth)
        let tooLow = max(0, usualHeights.lowerBound - candidate.height)
        let tooHigh = max(0, candidate.height - usualHeights.upperBound)
        let weighed = costOfWideDoubt * min(candidate.width, widest) * min(doubt, greatDoubt)
        return costOfDoubt * doubt + weighed + costOfWidth * tooWide + costOfLowness * tooLow
            + costOfHeight * tooHigh - reward
    }
}
