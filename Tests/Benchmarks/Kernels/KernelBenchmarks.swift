import Benchmark
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepNumerics

#if canImport(Glibc)
    import Glibc
#endif

/// What a training step consists of, each part by itself, then forward and backward as a whole.
///
/// `LOCKSTEP_KERNEL` in the environment names the kernel, as `--kernel` does for the program.
@main
enum KernelBenchmarks {
    static func main() throws {
        let kernel = getenv("LOCKSTEP_KERNEL").map { String(cString: $0) } ?? "auto"
        let library = try MatrixLibrary.open(try MatrixKernel.resolve(kernel))
        print(library.description)
        for shape in [Shape(10, 30, 784), Shape(10, 10, 30), Shape(1000, 30, 784), Shape(256, 1000, 784)] {
            addProducts(shape, library)
        }
        try addPasses()
        for (sizes, rows) in [([784, 30, 10], 10), ([784, 100, 10], 10), ([784, 30, 10], 1000)] {
            try addBackpropagation(sizes: sizes, rows: rows, library)
        }
        Benchmark.main()
    }

    private struct Shape {
        let rows, outputs, inputs: Int

        init(_ rows: Int, _ outputs: Int, _ inputs: Int) {
            (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs)
        }
    }

    private static func addProducts(_ shape: Shape, _ library: MatrixLibrary) {
        let (rows, outputs, inputs) = (shape.rows, shape.outputs, shape.inputs)
        let name = "\(rows) rows, \(inputs) to \(outputs)"
        let (a, w, d) = (random(rows * inputs), random(outputs * inputs), random(rows * outputs))
        let (c, g, e) = (random(rows * outputs), random(outputs * inputs), random(rows * inputs))
        benchmark("forward, \(name)") {
            library.forward(
                rows: rows, outputs: outputs, inputs: inputs, a: a.pointer, w: w.pointer, into: c.pointer)
        }
        benchmark("weight gradient, \(name)") {
            library.weightGradient(
                rows: rows, outputs: outputs, inputs: inputs, d: d.pointer, a: a.pointer, accumulating: false,
                into: g.pointer)
        }
        benchmark("backward, \(name)") {
            library.backward(
                rows: rows, outputs: outputs, inputs: inputs, d: d.pointer, w: w.pointer, into: e.pointer)
        }
    }

    private static func addPasses() throws {
        let count = 23_860
        let (weights, gradient, next) = (random(count), random(count), random(count))
        benchmark("descend, \(count) parameters") {
            _ = descend(from: weights.pointer, along: gradient.pointer, scale: 0.3, into: next.pointer, count: count)
        }
        benchmark("accumulate, \(count) parameters") {
            accumulate(gradient.pointer, into: next.pointer, count: count)
        }
        let activations = random(30_000)
        benchmark("sigmoid, 30000 values") { applySigmoid(activations.pointer, count: 30_000) }

        let samples = 50_000
        let dataset = try Dataset.make(
            name: "bytes", inputSize: 784, features: (0..<samples * 784).map { UInt8(truncatingIfNeeded: $0 * 7919) },
            labels: (0..<samples).map { UInt16($0 % 10) })
        let rows = random(1000 * 784)
        for count in [10, 1000] {
            var start = 0
            let order = (0..<samples).map { UInt32($0 * 7919 % samples) }
            benchmark("gather, \(count) rows of 784 bytes") {
                order[start..<start + count].withUnsafeBufferPointer { dataset.gather($0, into: rows.pointer) }
                start = (start + count) % samples
            }
        }
    }

    private static func addBackpropagation(sizes: [Int], rows: Int, _ library: MatrixLibrary) throws {
        let architecture = Architecture(sizes: sizes)
        let layout = try ParameterLayout(architecture)
        let engine = try Backpropagation(
            architecture, objective: Objective(cost: .quadratic), library: library, maximumRows: rows)
        let (weights, gradient) = (random(layout.count), random(layout.count))
        let inputs = random(rows * sizes[0])
        withExtendedLifetime(inputs) { engine.inputs.update(from: inputs.pointer, count: inputs.count) }
        benchmark("forward and backward, \(rows) rows, \(sizes.map(String.init).joined(separator: "-"))") {
            _ = engine.gradient(
                rows: rows, weights: weights.pointer, into: gradient.pointer, accumulating: false, layerDone: { _ in })
        }
    }

    /// Values between -0.5 and 0.5.
    private static func random(_ count: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        let generator = Philox(seed: UInt64(count))
        for i in 0..<count {
            let word = generator.words(at: RandomPosition(.fingerprint, sample: UInt32(i)))[0]
            buffer.pointer[i] = Float(word >> 8) * 0x1p-24 - 0.5
        }
        return buffer
    }
}
