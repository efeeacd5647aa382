/// Walks downhill in one dimension: x -> x - η f'(x), the idea of training with a single number.
///
/// - Parameters:
///   - start: Where to begin.
///   - learningRate: η, the length of a step for a slope of 1.
///   - steps: How many to take.
///   - derivative: f', the slope at a place.
/// - Returns: All places on the way, the start first, [steps + 1].
public func gradientDescent(
    from start: Double, learningRate: Double, steps: Int, derivative: (Double) -> Double
) -> [Double] {
    var places = [start]
    for _ in 0..<steps {
        let place = places[places.count - 1]
        places.append(place - learningRate * derivative(place))
    }
    return places
}

/// The extra layer of the textbook's exercise: turns the ten outputs of a digit network into the four bits of the digit.
///
/// Bit b's neuron adds up the outputs of the digits that have bit b, and has a bias halfway between what it then sees:
/// with the right output at least 0.99 and the wrong ones below 0.01, as the exercise supposes, z has the right sign for
/// every digit.
public enum DigitBits {
    /// One perceptron for each bit, the lowest first; each takes the ten outputs of a digit network.
    public static let layer: [Perceptron] = (0..<4).map { bit in
        Perceptron(weights: (0..<10).map { ($0 >> bit) & 1 == 1 ? 1 : 0 }, bias: -0.5)
    }

    /// The bits of a digit, the lowest first, from a digit network's outputs, [10].
    public static func bits(of outputs: [Float]) -> [Int] {
        layer.map { Int($0.output(outputs.map(Double.init))) }
    }
}
