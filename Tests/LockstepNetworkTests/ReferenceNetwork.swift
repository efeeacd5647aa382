import LockstepNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// The same network in double and plain loops, sample by sample, with libm: slow and independent.
struct ReferenceNetwork {
    let sizes: [Int]
    var kind = NetworkKind()
    /// Layer by layer: weights [outputs, inputs], row-major, then biases.
    var parameters: [Double]

    /// The offset of layer `l`'s weights; its biases follow them.
    private func start(of l: Int) -> Int {
        (0..<l).reduce(0) { $0 + (sizes[$1] + 1) * sizes[$1 + 1] }
    }

    /// The weighted inputs of every layer after the first, and the activations of all, the sample itself first.
    func run(_ sample: [Double]) -> (weighted: [[Double]], activations: [[Double]]) {
        var (weighted, activations) = ([[Double]](), [sample])
        for l in 0..<sizes.count - 1 {
            let (inputs, outputs, start) = (sizes[l], sizes[l + 1], start(of: l))
            let z = (0..<outputs).map { j in
                (0..<inputs).reduce(parameters[start + outputs * inputs + j]) { sum, k in
                    sum + parameters[start + j * inputs + k] * activations[l][k]
                }
            }
            weighted.append(z)
            if l < sizes.count - 2 {
                activations.append(z.map(hidden))
            } else if kind.output == .softmax {
                let largest = z.max() ?? 0
                let sum = z.reduce(0) { $0 + exp($1 - largest) }
                activations.append(z.map { exp($0 - largest) / sum })
            } else {
                activations.append(z.map { 1 / (1 + exp(-$0)) })
            }
        }
        return (weighted, activations)
    }

    func activations(_ sample: [Double]) -> [[Double]] { run(sample).activations }

    private func hidden(_ z: Double) -> Double {
        switch kind.activation {
        case .sigmoid: 1 / (1 + exp(-z))
        case .tanh: tanh(z)
        case .relu: max(0, z)
        case .leakyReLU: z > 0 ? z : 0.01 * z
        default: preconditionFailure("\(kind.activation.rawValue) has no reference in double")
        }
    }

    /// The derivative of a hidden activation by its weighted input.
    private func slope(_ z: Double) -> Double {
        switch kind.activation {
        case .sigmoid: exp(-z) / pow(1 + exp(-z), 2)
        case .tanh: 1 / pow(cosh(z), 2)
        case .relu: z > 0 ? 1 : 0
        case .leakyReLU: z > 0 ? 1 : 0.01
        default: preconditionFailure("\(kind.activation.rawValue) has no reference in double")
        }
    }

    private func targets(_ label: Int, smoothing: Double) -> [Double] {
        let classes = sizes[sizes.count - 1]
        return (0..<classes).map { (1 - smoothing) * ($0 == label ? 1 : 0) + smoothing / Double(classes) }
    }

    /// The sum of the samples' losses.
    func cost(_ samples: [[Double]], labels: [Int], smoothing: Double? = nil) -> Double {
        zip(samples, labels).reduce(0) { sum, pair in
            let a = activations(pair.0)[sizes.count - 1]
            let y = targets(pair.1, smoothing: smoothing ?? kind.labelSmoothing)
            return sum
                + zip(a, y).reduce(0) { sum, pair in
                    let (a, y) = pair
                    return switch (kind.cost, kind.output) {
                    case (.quadratic, _): sum + pow(a - y, 2) / 2
                    case (.crossEntropy, .softmax): sum - y * log(a)
                    case (.crossEntropy, .sigmoid): sum - y * log(a) - (1 - y) * log(1 - a)
                    case (.crossEntropy, .linear): .nan
                    }
                }
        }
    }

    /// The derivative of ``cost(_:labels:smoothing:)`` by each parameter, by the chain rule.
    func gradient(_ samples: [[Double]], labels: [Int]) -> [Double] {
        var gradient = [Double](repeating: 0, count: parameters.count)
        for (sample, label) in zip(samples, labels) {
            let (z, a) = run(sample)
            let y = targets(label, smoothing: kind.labelSmoothing)
            // The derivative of the cost by the weighted inputs of the current layer.
            var errors = zip(a[sizes.count - 1], y).map { a, y in
                kind.cost == .quadratic ? (a - y) * a * (1 - a) : a - y
            }
            for l in (0..<sizes.count - 1).reversed() {
                let (inputs, outputs, start) = (sizes[l], sizes[l + 1], start(of: l))
                var previous = [Double](repeating: 0, count: inputs)
                for j in 0..<outputs {
                    for k in 0..<inputs {
                        gradient[start + j * inputs + k] += errors[j] * a[l][k]
                        previous[k] += errors[j] * parameters[start + j * inputs + k]
                    }
                    gradient[start + outputs * inputs + j] += errors[j]
                }
                if l > 0 { errors = zip(previous, z[l - 1]).map { $0 * slope($1) } }
            }
        }
        return gradient
    }
}
