/// The extra layer of the textbook's exercise: it turns the ten outputs of a digit network into the digit's four bits.
///
/// The neuron of bit b adds the outputs of the digits that have bit b. Its bias is -1/2: with the right output at least
/// 0.99 and the wrong ones below 0.01, as the exercise assumes, z has the right sign for every digit.
public enum BinaryDigitEncoder {
    /// One perceptron per bit, the lowest bit first; each takes the ten outputs of a digit network.
    public static let layer: [Perceptron] = (0..<4).map { bit in
        Perceptron(weights: (0..<10).map { ($0 >> bit) & 1 == 1 ? 1 : 0 }, bias: -0.5)
    }

    /// The bits of a digit, the lowest first, from a digit network's outputs, [10].
    public static func bits(of outputs: [Float]) -> [Int] {
        layer.map { Int($0.output(outputs.map(Double.init))) }
    }
}
