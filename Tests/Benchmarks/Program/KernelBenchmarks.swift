import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics

/// Matrix products, elementwise passes and gathering, then the forward and backward pass as a whole.
func kernelBenchmarks(_ dataset: Dataset, _ library: ComputeLibrary) throws -> [Benchmark] {
    let shapes = [Shape(10, 30, 784), Shape(10, 10, 30), Shape(1000, 30, 784), Shape(256, 1000, 784)]
    let networks = [([784, 30, 10], 10), ([784, 100, 10], 10), ([784, 30, 10], 1000)]
    let all = try library.products(forLayersOf: shapes.map(\.outputs))
    return try shapes.flatMap { benchmarks($0, all) } + passes(dataset)
        + networks.map { try backpropagation(sizes: $0, rows: $1, library) }
}

private struct Shape {
    let rows, outputs, inputs: Int

    init(_ rows: Int, _ outputs: Int, _ inputs: Int) {
        (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs)
    }
}

/// Multiplications of a benchmark whose instructions are counted, at most: valgrind calls a function for each.
private let maximumCountedProducts = 5_000_000

private func benchmarks(_ shape: Shape, _ products: MatrixProducts) -> [Benchmark] {
    let (rows, outputs, inputs) = (shape.rows, shape.outputs, shape.inputs)
    let name = "\(rows) rows, \(inputs) to \(outputs)"
    let isLong = rows * outputs * inputs > maximumCountedProducts
    let (a, w, d) = (values(rows * inputs), values(outputs * inputs), values(rows * outputs))
    let (c, g, e) = (values(rows * outputs), values(outputs * inputs), values(rows * inputs))
    return [
        Benchmark("forward, \(name)", isLong: isLong) {
            products.forward(
                rows: rows, outputs: outputs, inputs: inputs, a: a.pointer, w: w.pointer, into: c.pointer)
        },
        Benchmark("weight gradient, \(name)", isLong: isLong) {
            products.weightGradient(
                rows: rows, outputs: outputs, inputs: inputs, d: d.pointer, a: a.pointer, accumulating: false,
                into: g.pointer)
        },
        Benchmark("backward, \(name)", isLong: isLong) {
            products.backward(
                rows: rows, outputs: outputs, inputs: inputs, d: d.pointer, w: w.pointer, into: e.pointer)
        },
    ]
}

private func passes(_ dataset: Dataset) -> [Benchmark] {
    let count = 23_860
    let (weights, gradient, next) = (values(count), values(count), values(count))
    let activations = values(30_000)
    let samples = dataset.indices(of: .training).count
    let order = (0..<samples).map { UInt32($0 * 7919 % samples) }
    let rows = values(1000 * 784)
    let gathers = [10, 1000].map { count in
        var start = 0
        return Benchmark("gather, \(count) rows of 784 bytes") {
            order[start..<start + count].withUnsafeBufferPointer { dataset.gather($0, into: rows.pointer) }
            start = (start + count) % samples
        }
    }
    return [
        Benchmark("descend, \(count) parameters") {
            _ = descend(from: weights.pointer, along: gradient.pointer, scale: 0.3, into: next.pointer, count: count)
        },
        Benchmark("accumulate, \(count) parameters") {
            accumulate(gradient.pointer, into: next.pointer, count: count)
        },
        Benchmark("sigmoid, 30000 values") { applySigmoid(activations.pointer, count: 30_000) },
    ] + gathers
}

private func backpropagation(sizes: [Int], rows: Int, _ library: ComputeLibrary) throws -> Benchmark {
    let model = try NetworkModel(Architecture(sizes: sizes), objective: Objective(cost: .quadratic))
    let layout = model.layout
    let computer = try model.makeComputer(seed: 0, library: library, maximumRows: rows)
    try computer.prepare(rows: [rows])
    let (weights, gradient) = (values(layout.count), values(layout.count))
    let inputs = values(rows * sizes[0])
    withExtendedLifetime(inputs) { computer.inputs.update(from: inputs.pointer, count: inputs.count) }
    let name = "forward and backward, \(rows) rows, \(sizes.map(String.init).joined(separator: "-"))"
    return Benchmark(name, isLong: rows * layout.count > maximumCountedProducts) {
        computer.load(weights: weights.pointer)
        _ = computer.gradient(
            rows: rows, input: .floats, epoch: 0, into: gradient.pointer, accumulating: false, segmentDone: { _ in })
    }
}

/// Values between -0.5 and 0.5 that are all different from their neighbours.
private func values(_ count: Int) -> FloatBuffer {
    let buffer = FloatBuffer(count: count)
    for i in 0..<count { buffer.pointer[i] = Float(i &* 7919 % 1009) / 1009 - 0.5 }
    return buffer
}
