/// Gradient descent in one dimension, x -> x - η f'(x): the idea of training, with a single number.
///
/// - Parameters:
///   - start: The first x.
///   - learningRate: η, the length of a step where the slope is 1.
///   - steps: The number of steps.
///   - derivative: f', the slope at x.
/// - Returns: Every x on the way, the start first, [steps + 1].
public func gradientDescentPath(
    from start: Double, learningRate: Double, steps: Int, derivative: (Double) -> Double
) -> [Double] {
    var path = [start]
    for _ in 0..<steps {
        let x = path[path.count - 1]
        path.append(x - learningRate * derivative(x))
    }
    return path
}
