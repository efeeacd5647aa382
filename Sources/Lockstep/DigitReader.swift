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
    public func digit(in image: Image) throws(LockstepError) -> Network.Prediction {
        try ensemble.predict(DigitPreparation.prepare(image.ink).ink)
    }

    /// Reads an image of a row of digits, from left to right: `504192`.
    ///
    /// The ink is split into parts (`DigitRow`). A digit is one part or several neighbouring ones. Of all
    /// ways to join parts to digits, dynamic programming finds the one with the highest score: the sum of the network's
    /// log-confidences, less the penalties for unlikely shapes and for cuts through ink.
    ///
    /// - Parameter image: One row of digits; specks far smaller than a digit are ignored.
    /// - Returns: The digits; none for an empty sheet.
    /// - Throws: ``LockstepError`` of the kind `kernel` if there is no compute library.
    public func number(in image: Image) throws(LockstepError) -> [Network.Prediction] {
        let row = DigitRow(image.ink)
        let parts = row.parts
        /// The best reading of the first n parts.
        var best: [(score: Float, digits: [Network.Prediction])] = [(0, [])]
        for end in 0..<parts.count {
            // Skipping a part costs more than reading it as any digit that looks like one.
            var reading = (score: best[end].score + Self.scoreOfSkipping, digits: best[end].digits)
            for start in stride(from: end, through: max(0, end + 1 - DigitRow.maximumPartsOfADigit), by: -1) {
                if start < end, !parts[start].mayJoinNext { break }
                guard let candidate = row.digit(of: start...end) else { continue }
                let before = best[start]
                let outputs = try ensemble.outputs(for: DigitPreparation.prepare(candidate.image).ink)
                let (digit, logConfidence) = classify(outputs)
                let cut = start > 0 ? parts[start - 1].costOfCut : 0
                let score = before.score + logConfidence - candidate.penalty - cut
                if score > reading.score { reading = (score, before.digits + [digit]) }
            }
            best.append(reading)
        }
        return best.last?.digits ?? []
    }

    /// The class of the largest output, and the log-confidence: high where this output is high and the second one low.
    private func classify(_ outputs: [Float]) -> (Network.Prediction, logConfidence: Float) {
        let digit = Network.Prediction(outputs: outputs, targets: ensemble.networks[0].targets)
        guard ensemble.networks[0].targets == nil else { return (digit, log(max(digit.confidence, 1e-6))) }
        let second = outputs.indices.filter { $0 != digit.label }.map { outputs[$0] }.max() ?? 0
        let confidence = max(digit.confidence, 1e-6) * max(1 - second, 1e-6)
        return (digit, log(confidence))
    }
}
