import LockstepNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// The same network in double and plain loops, sample by sample, with libm: slow and independent.
struct ReferenceNetwork {
    let sizes: [Int]
    /// Layer by layer: weights [outputs, inputs], row-major, then biases.
    var parameters: [Double]

    /// Where layer `l`'s weights begin; its biases follow them.
    private func start(of l: Int) -> Int {
        (0..<l).reduce(0) { $0 + (sizes[$1] + 1) * sizes[$1 + 1] }
    }

    /// The activations of every layer, the sample itself first.
    func activations(_ sample: [Double]) -> [[Double]] {
        var result = [sample]
        for l in 0..<sizes.count - 1 {
            let (inputs, outputs, start) = (sizes[l], sizes[l + 1], start(of: l))
            result.append(
                (0..<outputs).map { j in
                    var z = parameters[start + outputs * inputs + j]
                    for k in 0..<inputs { z += parameters[start + j * inputs + k] * result[l][k] }
                    return 1 / (1 + exp(-z))
                })
        }
        return result
    }

    /// Σ ½ ‖y - a‖² over the samples.
    func cost(_ samples: [[Double]], labels: [Int]) -> Double {
        zip(samples, labels).reduce(0) { sum, pair in
            let outputs = activations(pair.0)[sizes.count - 1]
            return sum + outputs.enumerated().reduce(0) { $0 + pow($1.element - ($1.offset == pair.1 ? 1 : 0), 2) / 2 }
        }
    }

    /// The derivative of ``cost(_:labels:)`` by each parameter, by the chain rule.
    func gradient(_ samples: [[Double]], labels: [Int]) -> [Double] {
        var gradient = [Double](repeating: 0, count: parameters.count)
        for (sample, label) in zip(samples, labels) {
            let a = activations(sample)
            // The derivative of the cost by the activations of the layer at hand.
            var slope = a[sizes.count - 1].enumerated().map { $0.element - ($0.offset == label ? 1 : 0) }
            for l in (0..<sizes.count - 1).reversed() {
                let (inputs, outputs, start) = (sizes[l], sizes[l + 1], start(of: l))
                var previous = [Double](repeating: 0, count: inputs)
                for j in 0..<outputs {
                    let error = slope[j] * a[l + 1][j] * (1 - a[l + 1][j])
                    for k in 0..<inputs {
                        gradient[start + j * inputs + k] += error * a[l][k]
                        previous[k] += error * parameters[start + j * inputs + k]
                    }
                    gradient[start + outputs * inputs + j] += error
                }
                slope = previous
            }
        }
        return gradient
    }
}
