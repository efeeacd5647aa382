extension Convolution {
    /// Whether the passes of a few small convolutions agree with plain loops in double; compare `MatrixProducts.areRight`.
    static func isRight(lanes: Int, _ primitives: OneDNNPrimitives) throws(ComputeError) -> Bool {
        let geometries = [
            Geometry(
                inputChannels: 1, inputRows: 7, inputColumns: 6, filters: 20, kernelRows: 3, kernelColumns: 3,
                paddingTop: 1, paddingLeft: 1, paddingBottom: 1, paddingRight: 1),
            Geometry(
                inputChannels: 17, inputRows: 9, inputColumns: 11, filters: 5, kernelRows: 3, kernelColumns: 3,
                strideRows: 2, strideColumns: 2),
        ]
        for geometry in geometries {
            guard try SelfTest(geometry, lanes: lanes, primitives).isRight() else { return false }
        }
        return true
    }
}

/// One convolution of the self-test, over two rows.
private struct SelfTest {
    private let geometry: Convolution.Geometry
    private let lanes: Int
    private let convolution: Convolution
    private let source: AlignedFloats
    private let destination: AlignedFloats
    private let outputErrors: AlignedFloats
    private let inputErrors: AlignedFloats
    private let rows = 2

    init(_ geometry: Convolution.Geometry, lanes: Int, _ primitives: OneDNNPrimitives) throws(ComputeError) {
        self.geometry = geometry
        self.lanes = lanes
        let (inputs, outputs) = (geometry.inputImages(lanes: lanes), geometry.outputImages(lanes: lanes))
        source = try AlignedFloats(count: rows * inputs.count)
        destination = try AlignedFloats(count: rows * outputs.count)
        outputErrors = try AlignedFloats(count: rows * outputs.count)
        inputErrors = try AlignedFloats(count: rows * inputs.count)
        for (memory, stride) in [(source, 7919), (outputErrors, 1299)] {
            for i in 0..<memory.count { memory.pointer[i] = sample(i, stride: stride) }
        }
        convolution = try Convolution(
            geometry,
            buffers: Convolution.Buffers(
                source: source.pointer, destination: destination.pointer, outputErrors: outputErrors.pointer,
                inputErrors: inputErrors.pointer),
            sourceLanes: lanes, lanes: lanes, primitives)
        try convolution.prepare(rows: rows)
    }

    func isRight() -> Bool {
        let g = geometry
        let positions = g.kernelRows * g.kernelColumns
        let weights = (0..<g.filters * g.inputChannels * positions).map { sample($0, stride: 104_729) }
        let biases = (0..<g.filters).map { sample($0, stride: 31) }
        var weightGradient = [Float](repeating: .nan, count: weights.count)
        var biasGradient = [Float](repeating: .nan, count: g.filters)
        convolution.loadWeights(weights)
        convolution.forward(rows: rows, biases: biases)
        convolution.backward(
            rows: rows, accumulating: false, weightGradient: &weightGradient, biasGradient: &biasGradient)
        convolution.inputErrors(rows: rows)

        // Each product of a weight, an input and an output belongs to a sum of each kind.
        let (inputs, outputs) = (g.inputImages(lanes: lanes), g.outputImages(lanes: lanes))
        var sums = (
            outputs: [Double](repeating: 0, count: destination.count),
            inputs: [Double](repeating: 0, count: source.count),
            weights: [Double](repeating: 0, count: weights.count), biases: [Double](repeating: 0, count: g.filters)
        )
        for row in 0..<rows {
            for f in 0..<g.filters {
                for y in 0..<g.outputRows {
                    for x in 0..<g.outputColumns {
                        let output = outputs.index(row, f, y, x)
                        sums.outputs[output] += Double(biases[f])
                        sums.biases[f] += Double(outputErrors.pointer[output])
                        for c in 0..<g.inputChannels {
                            for position in 0..<positions {
                                let inputRow = y * g.strideRows + position / g.kernelColumns - g.paddingTop
                                let inputColumn = x * g.strideColumns + position % g.kernelColumns - g.paddingLeft
                                guard (0..<g.inputRows).contains(inputRow), (0..<g.inputColumns).contains(inputColumn)
                                else { continue }
                                let weight = (f * g.inputChannels + c) * positions + position
                                let input = inputs.index(row, c, inputRow, inputColumn)
                                let error = Double(outputErrors.pointer[output])
                                sums.outputs[output] += Double(weights[weight]) * Double(source.pointer[input])
                                sums.weights[weight] += error * Double(source.pointer[input])
                                sums.inputs[input] += error * Double(weights[weight])
                            }
                        }
                    }
                }
            }
        }
        // All values lie within [-1, 1], and no sum has more than 200 terms; the bound is generous.
        func agrees(_ values: UnsafePointer<Float>, _ sums: [Double]) -> Bool {
            sums.indices.allSatisfy { abs(Double(values[$0]) - sums[$0]) <= 200 * 0x1p-22 }
        }
        return agrees(destination.pointer, sums.outputs) && agrees(inputErrors.pointer, sums.inputs)
            && agrees(weightGradient, sums.weights) && agrees(biasGradient, sums.biases)
    }
}

/// Values in [-1, 1] without a pattern that a wrong sum could share.
private func sample(_ index: Int, stride: Int) -> Float {
    Float((index * stride + stride) % 2003) / 1001 - 1
}
