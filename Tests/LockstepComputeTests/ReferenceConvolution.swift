import LockstepCompute

/// Images in memory, [rows, blocks, height, width, lanes], as convolutions read and write them.
struct TestImages {
    let rows: Int
    let channels: Int
    let height: Int
    let width: Int
    let lanes: Int

    var count: Int { rows * ((channels + lanes - 1) / lanes) * height * width * lanes }

    func index(_ row: Int, _ channel: Int, _ y: Int, _ x: Int) -> Int {
        let blocks = (channels + lanes - 1) / lanes
        return (((row * blocks + channel / lanes) * height + y) * width + x) * lanes + channel % lanes
    }

    /// The indices of the channels' elements, in the order rows, channels, height, width.
    var indices: [Int] {
        var indices: [Int] = []
        for row in 0..<rows {
            for channel in 0..<channels {
                for y in 0..<height {
                    for x in 0..<width { indices.append(index(row, channel, y, x)) }
                }
            }
        }
        return indices
    }
}

/// A convolution's operands, and its results as plain loops in double compute them.
struct ReferenceConvolution {
    let geometry: Convolution.Geometry
    let rows: Int
    let source: TestImages
    let destination: TestImages
    /// Elements of channels that do not exist are `junk`.
    let sourceValues: [Float]
    let errorValues: [Float]
    let weights: [Float]
    let biases: [Float]

    init(_ geometry: Convolution.Geometry, rows: Int, sourceLanes: Int, lanes: Int, seed: UInt64, junk: Float = 0) {
        self.geometry = geometry
        self.rows = rows
        source = TestImages(
            rows: rows, channels: geometry.inputChannels, height: geometry.inputRows, width: geometry.inputColumns,
            lanes: sourceLanes)
        destination = TestImages(
            rows: rows, channels: geometry.filters, height: geometry.outputRows, width: geometry.outputColumns,
            lanes: lanes)
        var random = TestRandom(seed: seed)
        func filled(_ images: TestImages) -> [Float] {
            var values = [Float](repeating: junk, count: images.count)
            for index in images.indices { values[index] = random.value() }
            return values
        }
        sourceValues = filled(source)
        errorValues = filled(destination)
        let positions = geometry.kernelRows * geometry.kernelColumns
        weights = (0..<geometry.filters * geometry.inputChannels * positions).map { _ in random.value() }
        biases = (0..<geometry.filters).map { _ in random.value() }
    }

    struct Results {
        /// [as the destination].
        var outputs: [Double]
        /// [as the source].
        var inputErrors: [Double]
        /// [filters, channels, kernel rows, kernel columns].
        var weightGradient: [Double]
        /// [filters].
        var biasGradient: [Double]
    }

    /// Each product of a weight, an input and an output belongs to one sum of each kind.
    var results: Results {
        let g = geometry
        var results = Results(
            outputs: [Double](repeating: 0, count: destination.count),
            inputErrors: [Double](repeating: 0, count: source.count),
            weightGradient: [Double](repeating: 0, count: weights.count),
            biasGradient: [Double](repeating: 0, count: g.filters))
        for row in 0..<rows {
            for f in 0..<g.filters {
                for y in 0..<g.outputRows {
                    for x in 0..<g.outputColumns {
                        let output = destination.index(row, f, y, x)
                        let error = Double(errorValues[output])
                        var sum = Double(biases[f])
                        results.biasGradient[f] += error
                        for c in 0..<g.inputChannels {
                            for ky in 0..<g.kernelRows {
                                let inputRow = y * g.strideRows + ky - g.paddingTop
                                guard inputRow >= 0 && inputRow < g.inputRows else { continue }
                                for kx in 0..<g.kernelColumns {
                                    let inputColumn = x * g.strideColumns + kx - g.paddingLeft
                                    guard inputColumn >= 0 && inputColumn < g.inputColumns else { continue }
                                    let weight = ((f * g.inputChannels + c) * g.kernelRows + ky) * g.kernelColumns + kx
                                    let input = source.index(row, c, inputRow, inputColumn)
                                    sum += Double(weights[weight]) * Double(sourceValues[input])
                                    results.weightGradient[weight] += error * Double(sourceValues[input])
                                    results.inputErrors[input] += error * Double(weights[weight])
                                }
                            }
                        }
                        results.outputs[output] = sum
                    }
                }
            }
        }
        return results
    }
}

/// The results that a convolution computes for the operands of a reference.
struct ComputedConvolution: Equatable {
    var outputs: [Float]
    var inputErrors: [Float]
    var weightGradient: [Float]
    var biasGradient: [Float]

    /// - Parameters:
    ///   - reference: The operands.
    ///   - library: The process's.
    ///   - prepared: The numbers of rows to prepare.
    ///   - shift: Moves all buffers by so many times 64 bytes.
    ///   - start: The gradients to which the results are added; nil if they replace NaNs.
    ///   - repetitions: How often the passes run.
    /// - Throws: `ComputeError`.
    init(
        _ reference: ReferenceConvolution, _ library: ComputeLibrary, prepared: [Int] = [], shift: Int = 0,
        start: (weights: [Float], biases: [Float])? = nil, repetitions: Int = 1
    ) throws {
        let counts = [reference.source, reference.destination, reference.destination, reference.source].map(\.count)
        let memory = counts.map { count in
            UnsafeMutableRawPointer.allocate(byteCount: 4 * count + 64 * shift, alignment: 64)
        }
        defer { for buffer in memory { buffer.deallocate() } }
        let buffers = zip(memory, counts).map { buffer, count in
            (buffer + 64 * shift).bindMemory(to: Float.self, capacity: count)
        }
        buffers[0].update(from: reference.sourceValues, count: counts[0])
        buffers[1].update(repeating: .nan, count: counts[1])
        buffers[2].update(from: reference.errorValues, count: counts[2])
        buffers[3].update(repeating: .nan, count: counts[3])
        let convolution = try Convolution(
            reference.geometry,
            buffers: Convolution.Buffers(
                source: buffers[0], destination: buffers[1], outputErrors: buffers[2], inputErrors: buffers[3]),
            sourceLanes: reference.source.lanes, library: library)
        for rows in prepared + [reference.rows] { try convolution.prepare(rows: rows) }
        convolution.loadWeights(reference.weights)
        weightGradient = []
        biasGradient = []
        for _ in 0..<repetitions {
            weightGradient = start?.weights ?? [Float](repeating: .nan, count: reference.weights.count)
            biasGradient = start?.biases ?? [Float](repeating: .nan, count: reference.biases.count)
            convolution.forward(rows: reference.rows, biases: reference.biases)
            convolution.backward(
                rows: reference.rows, accumulating: start != nil, weightGradient: &weightGradient,
                biasGradient: &biasGradient)
            convolution.inputErrors(rows: reference.rows)
        }
        outputs = Array(UnsafeBufferPointer(start: buffers[1], count: counts[1]))
        inputErrors = Array(UnsafeBufferPointer(start: buffers[3], count: counts[3]))
    }

    /// The largest difference from the reference's results, in units of what rounding explains; infinity for a NaN.
    func largestError(_ results: ReferenceConvolution.Results, _ reference: ReferenceConvolution) -> Double {
        let g = reference.geometry
        let positions = g.kernelRows * g.kernelColumns
        let pixels = reference.rows * g.outputRows * g.outputColumns
        // Half a unit in the last place for each product and addition of values within [-1, 1].
        func error(_ values: [Float], _ sums: [Double], terms: Int) -> Double {
            zip(values, sums).reduce(0) { largest, pair in
                let difference = abs(Double(pair.0) - pair.1) / (Double(terms + 1) * 0x1p-22)
                return difference.isNaN ? .infinity : max(largest, difference)
            }
        }
        return [
            error(outputs, results.outputs, terms: g.inputChannels * positions + 1),
            error(inputErrors, results.inputErrors, terms: g.filters * positions),
            error(weightGradient, results.weightGradient, terms: pixels),
            error(biasGradient, results.biasGradient, terms: pixels),
        ].reduce(0, max)
    }
}

/// A multiplicative congruential sequence.
struct TestRandom {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed &* 2 &+ 1
        for _ in 0..<3 { _ = value() }
    }

    /// A value in [-1, 1).
    mutating func value() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
    }

    mutating func choice<T>(_ values: [T]) -> T {
        values[Int((value() + 1) / 2 * Float(values.count)) % values.count]
    }
}
