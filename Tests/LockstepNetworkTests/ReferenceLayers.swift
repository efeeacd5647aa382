import LockstepModel

@testable import LockstepNetwork

#if canImport(Glibc)
    import Glibc
#endif

/// A network of layers in double and plain loops, sample by sample, with libm: slow and independent. It has softmax outputs
/// and the cross-entropy cost.
struct ReferenceLayers {
    let input: Shape
    let layers: [any LayerKind]
    let layout: ParameterLayout
    var parameters: [Double]

    /// The weighted inputs of the last layer.
    func outputs(_ sample: [Double]) throws -> [Double] {
        var (values, shape, segment) = (sample, input, 0)
        for layer in layers {
            var tensors: [[Double]] = []
            if !layer.parameters(of: shape).isEmpty {
                tensors = layout.segments[segment].tensors.map { Array(parameters[$0.range]) }
                segment += 1
            }
            values = try apply(layer, tensors, values, shape)
            shape = try layer.outputShape(of: shape)
        }
        return values
    }

    /// The sum of the samples' losses.
    func loss(_ samples: [[Double]], labels: [Int]) throws -> Double {
        var sum = 0.0
        for (sample, label) in zip(samples, labels) {
            let z = try outputs(sample)
            let largest = z.max() ?? 0
            sum += log(z.reduce(0) { $0 + exp($1 - largest) }) + largest - z[label]
        }
        return sum
    }

    /// The slope of the loss along each parameter, by central differences.
    func slopes(_ samples: [[Double]], labels: [Int]) throws -> [Double] {
        // The two points are so close that no kink of a rectifier or a maximum lies between them.
        let step = 1e-6
        return try parameters.indices.map { i in
            var (up, down) = (self, self)
            up.parameters[i] += step
            down.parameters[i] -= step
            return (try up.loss(samples, labels: labels) - down.loss(samples, labels: labels)) / (2 * step)
        }
    }

    private func apply(
        _ layer: any LayerKind, _ p: [[Double]], _ a: [Double], _ shape: Shape
    ) throws -> [Double] {
        switch layer {
        case let dense as DenseLayer:
            return (0..<dense.neurons).map { j in
                a.indices.reduce(p[1][j]) { $0 + p[0][j * a.count + $1] * a[$1] }
            }
        case let activation as ActivationLayer: return a.map { value(activation.function, $0) }
        case let convolution as ConvolutionLayer: return try convolve(convolution, p, a, shape)
        case let pool as MaxPoolLayer:
            return try pooled(a, shape, pool.size, pool.stride ?? pool.size, pool.padding) { values, _ in
                values.max() ?? 0
            }
        case let pool as AveragePoolLayer:
            return try pooled(a, shape, pool.size, pool.stride ?? pool.size, pool.padding) { values, area in
                values.reduce(0, +) / Double(area)
            }
        case is GlobalAveragePoolLayer:
            let (channels, area) = (shape.dimensions[0], shape.dimensions[1] * shape.dimensions[2])
            return (0..<channels).map { a[$0 * area..<($0 + 1) * area].reduce(0, +) / Double(area) }
        case is LayerNormLayer:
            return normalized(a, groups: 1).enumerated().map { $1 * p[0][$0] + p[1][$0] }
        case let norm as GroupNormLayer:
            let area = shape.dimensions[1] * shape.dimensions[2]
            return normalized(a, groups: norm.groups).enumerated().map { $1 * p[0][$0 / area] + p[1][$0 / area] }
        default: return a
        }
    }

    private func value(_ function: Activation, _ z: Double) -> Double {
        switch function {
        case .sigmoid: 1 / (1 + exp(-z))
        case .tanh: tanh(z)
        case .relu: max(0, z)
        case .leakyReLU: z > 0 ? z : 0.01 * z
        default: preconditionFailure("\(function.rawValue) has no reference in double")
        }
    }

    private func normalized(_ a: [Double], groups: Int) -> [Double] {
        let size = a.count / groups
        return (0..<groups).flatMap { group in
            let part = a[group * size..<(group + 1) * size]
            let mean = part.reduce(0, +) / Double(size)
            let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
            return part.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
        }
    }

    private func convolve(
        _ layer: ConvolutionLayer, _ p: [[Double]], _ a: [Double], _ shape: Shape
    ) throws -> [Double] {
        let (channels, rows, columns) = (shape.dimensions[0], shape.dimensions[1], shape.dimensions[2])
        let window = try shape.window(size: layer.size, stride: layer.stride, padding: layer.padding).window
        var outputs: [Double] = []
        for filter in 0..<layer.filters {
            for y in 0..<window.output.rows {
                for x in 0..<window.output.columns {
                    var sum = p[1][filter]
                    for c in 0..<channels {
                        for v in 0..<layer.size.rows {
                            for u in 0..<layer.size.columns {
                                let row = y * layer.stride.rows + v - window.top
                                let column = x * layer.stride.columns + u - window.left
                                guard (0..<rows).contains(row), (0..<columns).contains(column) else { continue }
                                let place = ((filter * channels + c) * layer.size.rows + v) * layer.size.columns + u
                                sum += p[0][place] * a[(c * rows + row) * columns + column]
                            }
                        }
                    }
                    outputs.append(sum)
                }
            }
        }
        return outputs
    }

    private func pooled(
        _ a: [Double], _ shape: Shape, _ size: Extent, _ stride: Extent, _ padding: Padding,
        _ reduce: (_ values: [Double], _ area: Int) -> Double
    ) throws -> [Double] {
        let (channels, rows, columns) = (shape.dimensions[0], shape.dimensions[1], shape.dimensions[2])
        let window = try shape.window(size: size, stride: stride, padding: padding).window
        var outputs: [Double] = []
        for c in 0..<channels {
            for y in 0..<window.output.rows {
                for x in 0..<window.output.columns {
                    var values: [Double] = []
                    for v in 0..<size.rows {
                        for u in 0..<size.columns {
                            let (row, column) = (y * stride.rows + v - window.top, x * stride.columns + u - window.left)
                            guard (0..<rows).contains(row), (0..<columns).contains(column) else { continue }
                            values.append(a[(c * rows + row) * columns + column])
                        }
                    }
                    outputs.append(reduce(values, size.rows * size.columns))
                }
            }
        }
        return outputs
    }
}
