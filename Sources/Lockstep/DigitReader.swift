import Foundation
import LockstepImages
import LockstepNetwork

/// Reads handwriting with a network that was trained on MNIST: single digits, and several side by side.
///
/// Pictures are prepared as MNIST was: scaled into a box of 20 x 20, then put on 28 x 28 pixels by the centre of mass.
public struct DigitReader: Sendable {
    /// The score of ink that is read as nothing.
    private static let passedOver: Float = -40

    private let network: Network

    /// A reader with this network.
    ///
    /// - Parameter network: It takes 784 pixels, ink 1 and paper 0.
    /// - Throws: ``LockstepError`` of the kind `configuration` if it takes anything else.
    public init(_ network: Network) throws(LockstepError) {
        let pixels = DigitPreparation.side * DigitPreparation.side
        guard network.sizes.first == pixels else {
            throw LockstepError(
                .configuration,
                "the network takes \(network.sizes.first ?? 0) values, a picture of a digit has \(pixels)")
        }
        self.network = network
    }

    /// Reads a picture of one digit.
    public func digit(in picture: Picture) throws(LockstepError) -> Network.Prediction {
        try network.predict(DigitPreparation.prepare(picture.image).ink)
    }

    /// Reads a picture of a row of digits, from left to right: `504192`.
    ///
    /// Ink that hangs together, or lies above each other, is a piece. Wide pieces may be digits that touch, so they are
    /// cut where their ink is thin; of all ways to put neighbouring parts together, the one that the network is surest
    /// about is taken.
    ///
    /// - Parameter picture: One row of digits; specks far smaller than a digit are passed over.
    /// - Returns: The digits, none for an empty sheet.
    /// - Throws: ``LockstepError`` of the kind `kernel` if there is no matrix library.
    public func number(in picture: Picture) throws(LockstepError) -> [Network.Prediction] {
        let row = DigitRow(picture.image)
        let parts = row.parts
        /// The best reading of the first n parts.
        var best: [(score: Float, digits: [Network.Prediction])] = [(0, [])]
        for end in 0..<parts.count {
            // A piece that no digit wants is passed over, at a price that any digit is worth.
            var reading = (score: best[end].score + Self.passedOver, digits: best[end].digits)
            for start in stride(from: end, through: max(0, end + 1 - DigitRow.mostPartsOfADigit), by: -1) {
                if start < end, !parts[start].mayJoinNext { break }
                guard let candidate = row.digit(of: start...end) else { continue }
                let before = best[start]
                let outputs = try network.outputs(for: DigitPreparation.prepare(candidate.image).ink)
                let (digit, certainty) = judge(outputs)
                let cut = start > 0 ? parts[start - 1].costOfCut : 0
                let score = before.score + certainty - candidate.penalty - cut
                if score > reading.score { reading = (score, before.digits + [digit]) }
            }
            best.append(reading)
        }
        return best.last?.digits ?? []
    }

    /// The largest output's class, and the logarithm of how sure the network is: sure means that this output is high and
    /// the second one low.
    private func judge(_ outputs: [Float]) -> (Network.Prediction, certainty: Float) {
        var best = 0
        for index in outputs.indices where outputs[index] > outputs[best] { best = index }
        let second = outputs.indices.filter { $0 != best }.map { outputs[$0] }.max() ?? 0
        let sureness = max(outputs[best], 1e-6) * max(1 - second, 1e-6)
        return (Network.Prediction(label: best, confidence: outputs[best]), log(sureness))
    }
}
