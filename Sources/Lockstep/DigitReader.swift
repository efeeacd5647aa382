import Foundation
import LockstepImages
import LockstepNetwork

/// Reads handwriting with a network that was trained on MNIST, or with an ensemble of them: single digits, and several side by
/// side.
///
/// Images are prepared as MNIST was: scaled into a box of 20 x 20 pixels, then centred by mass on 28 x 28 pixels.
public struct DigitReader: Sendable {
    /// The score of a part that is skipped.
    private static let scoreOfSkipping: Float = -40

    private let ensemble: Ensemble

    /// Makes a reader with this network.
    ///
    /// - Parameter network: It takes 784 pixels, ink 1 and paper 0.
    /// - Throws: ``LockstepError`` of the kind `configuration` if it takes anything else.
    public init(_ network: Network) throws(LockstepError) {
        try self.init(Ensemble([network]))
    }

    /// Makes a reader with these networks, whose outputs it averages.
    ///
    /// - Parameter ensemble: Its networks take 784 pixels, ink 1 and paper 0.
    /// - Throws: ``LockstepError`` of the kind `configuration` if they take anything else.
    public init(_ ensemble: Ensemble) throws(LockstepError) {
        let pixels = DigitPreparation.side * DigitPreparation.side
        let inputs = ensemble.networks[0].model.inputs
        guard inputs == pixels else {
            throw LockstepError(
                .configuration, "the network takes \(inputs) values, an image of a digit has \(pixels)")
        }
        self.ensemble = ensemble
    }

    /// Reads an image of one digit.
    ///
    /// - Parameter image: A sample of a data set is read as it is; anything else is prepared first.
    /// - Returns: The digit and the network's confidence.
    /// - Throws: ``LockstepError`` of the kind `data` if there is no ink, of the kind `kernel` if there is no compute library.
    public func digit(in image: Image) throws(LockstepError) -> Network.Prediction {
        guard image.hasInk else { throw LockstepError(.data, "the picture has no contrast, and shows no digit") }
        return try ensemble.predict(DigitPreparation.prepare(image.ink).ink)
    }

    /// Reads the digits of an image, from left to right: `504192`; of several lines, one line after the other.
    ///
    /// - Parameter image: Specks far smaller than a digit are ignored.
    /// - Returns: The digits; none for an empty sheet.
    /// - Throws: ``LockstepError`` of the kind `kernel` if there is no compute library.
    public func number(in image: Image) throws(LockstepError) -> [Network.Prediction] {
        try lines(in: image).flatMap { $0 }
    }

    /// Reads the digits of an image, line by line.
    ///
    /// The ink of a line is split into parts (`DigitRow`). A digit is one part or several neighbouring ones. Of all ways to join
    /// parts to digits, dynamic programming finds the one with the highest score (`DigitScore`).
    ///
    /// - Parameter image: Specks far smaller than a digit are ignored.
    /// - Returns: The digits of each line, the upper line first, from left to right; no line for an empty sheet.
    /// - Throws: ``LockstepError`` of the kind `kernel` if there is no compute library.
    public func lines(in image: Image) throws(LockstepError) -> [[Network.Prediction]] {
        guard image.hasInk else { return [] }
        let predictor = try ensemble.makePredictor()
        return DigitRow.lines(of: image.ink).map { digits(of: $0, predictor) }
    }

    private func digits(of row: DigitRow, _ predictor: EnsemblePredictor) -> [Network.Prediction] {
        let parts = row.parts
        /// The best reading of the first n parts.
        var best: [(score: Float, digits: [Network.Prediction])] = [(0, [])]
        for end in parts.indices {
            // Skipping a part costs more than reading it as any digit that looks like one.
            var reading = (score: best[end].score + Self.scoreOfSkipping, digits: best[end].digits)
            for start in stride(from: end, through: 0, by: -1) {
                if start < end, !parts[start].mayJoinNext || row.isTooWide(start...end) { break }
                guard let candidate = row.digit(of: start...end) else { continue }
                let outputs = predictor.outputs(for: DigitPreparation.prepare(candidate.image).ink)
                let digit = Network.Prediction(outputs: outputs, targets: ensemble.networks[0].targets)
                let cut = start > 0 ? parts[start - 1].costOfCut : 0
                let score =
                    best[start].score - DigitScore.penalty(of: candidate, certainty: certainty(digit, outputs)) - cut
                if score > reading.score { reading = (score, best[start].digits + [digit]) }
            }
            best.append(reading)
        }
        return best.last?.digits ?? []
    }

    /// How likely the class of the largest output is.
    ///
    /// Sigmoid outputs do not add up to 1: there it is likely if this output is high and the second one low.
    private func certainty(_ digit: Network.Prediction, _ outputs: [Float]) -> Float {
        let isDistribution = abs(outputs.reduce(0, +) - 1) < 0.001
        guard ensemble.networks[0].targets == nil, !isDistribution else { return digit.confidence }
        let second = outputs.indices.filter { $0 != digit.label }.map { outputs[$0] }.max() ?? 0
        return digit.confidence * max(0, 1 - second)
    }
}
