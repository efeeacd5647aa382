package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// Filters that move over an image: z = Σ w a + b, at each place over all channels of a window.
package struct ConvolutionLayer: LayerKind {
    package var filters: Int
    package var size: Extent
    package var stride: Extent
    package var padding: Padding

    package init(filters: Int, size: Extent, stride: Extent = Extent(1), padding: Padding = .none) {
        self.filters = filters
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    package static let name = "conv"
    package static let meaning = "filters that move over an image: z = Σ w a + b"
    package static let defaults = ConvolutionLayer(filters: 1, size: Extent(1))
    package static let fusesActivation = true
    package static let keys = [
        ConfigurationKey(
            "filters", \ConvolutionLayer.filters, .integer(1...65_536), example: "32",
            "filters, each of which makes a channel of the output"),
        ConfigurationKey(
            "size", \ConvolutionLayer.size, Extent.format, example: "3",
            "rows and columns of a filter, at most \(Convolution.Geometry.maximumKernelColumns) columns"),
        ConfigurationKey(
            "stride", \ConvolutionLayer.stride, Extent.format, "the distance of the filter's places"),
        ConfigurationKey(
            "padding", \ConvolutionLayer.padding, Padding.format, "zeros around the image"),
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        let window = try geometry(input).window
        let limit = Convolution.Geometry.maximumKernelColumns
        // Refused here and not by the compute library, so that a configuration fits every CPU or none.
        guard size.columns <= limit else {
            throw LayerProblem(
                "has filters of \(size.columns) columns, and the compute library computes at most \(limit): give a size of at "
                    + "most \(limit), or a second layer of small filters, which sees as much of the image")
        }
        return .image(channels: filters, rows: window.output.rows, columns: window.output.columns)
    }

    package func parameters(of input: Shape) -> [LayerParameter] {
        guard case .image(let channels, _, _) = input else { return [] }
        let area = size.rows * size.columns
        return [
            LayerParameter(
                "weight", [filters, channels, size.rows, size.columns],
                .weights(inputs: channels * area, outputs: filters * area)),
            LayerParameter("bias", [filters], .biases),
        ]
    }

    package func flops(of input: Shape) -> Int {
        guard let (channels, window) = try? geometry(input) else { return 0 }
        return 2 * filters * channels * size.rows * size.columns * window.output.rows * window.output.columns
    }

    package func blocksChannels(ofBlockedInput isBlocked: Bool) -> Bool { true }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        guard let window = try? geometry(input).window else { return [] }
        return [ONNXNode("Conv", operands: [.parameter(0), .parameter(1)], attributes: window.onnxAttributes)]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        guard case .image(let channels, let rows, let columns) = input, let window = try? geometry(input).window else {
            return nil
        }
        return JavaScriptLayer(
            """
            const area = outputRows * outputColumns, z = new Float32Array(filters * area);
            for (let f = 0; f < filters; f++) {
                z.fill(p[1][f], f * area, (f + 1) * area);
                for (let c = 0; c < channels; c++) for (let v = 0; v < height; v++) for (let u = 0; u < width; u++) {
                    const w = p[0][((f * channels + c) * height + v) * width + u];
                    const first = Math.max(0, Math.ceil((left - u) / right));
                    const end = Math.min(outputColumns, Math.floor((columns - 1 + left - u) / right) + 1);
                    for (let y = 0; y < outputRows; y++) {
                        const row = y * down + v - top;
                        if (row < 0 || row >= rows) continue;
                        const from = (c * rows + row) * columns + u - left, to = f * area + y * outputColumns;
                        for (let x = first; x < end; x++) z[to + x] += w * a[from + x * right];
                    }
                }
            }
            return z;
            """,
            constants: [("filters", "\(filters)")]
                + window.javaScriptConstants(channels: channels, over: Extent(rows: rows, columns: columns)))
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        try ConvolutionComputer(self, context)
    }

    /// The convolution as the compute library knows it; nil if the layer cannot follow values of this shape.
    func computedGeometry(of input: Shape) -> Convolution.Geometry? {
        guard case .image(let channels, let rows, let columns) = input, let window = try? geometry(input).window else {
            return nil
        }
        return Convolution.Geometry(
            inputChannels: channels, inputRows: rows, inputColumns: columns, filters: filters, kernelRows: size.rows,
            kernelColumns: size.columns, strideRows: stride.rows, strideColumns: stride.columns,
            paddingTop: window.top, paddingLeft: window.left, paddingBottom: window.bottom, paddingRight: window.right)
    }

    private func geometry(_ input: Shape) throws(LayerProblem) -> (channels: Int, window: Window) {
        try input.window(size: size, stride: stride, padding: padding)
    }
}

/// The passes of a convolution, with the activation that follows it.
private final class ConvolutionComputer: LayerComputer {
    private let convolution: Convolution
    private let context: LayerContext
    /// z, [rows, values], if the activation's slope is a function of it.
    private let weightedInputs: FloatBuffer?

    init(_ layer: ConvolutionLayer, _ context: LayerContext) throws(ComputeError) {
        guard let geometry = layer.computedGeometry(of: context.input.shape) else {
            preconditionFailure("a convolution of no image")
        }
        convolution = try Convolution(
            geometry,
            buffers: Convolution.Buffers(
                source: context.source, destination: context.destination, outputErrors: context.outputErrors,
                inputErrors: context.inputErrors),
            sourceLanes: context.input.lanes, library: context.library)
        self.context = context
        weightedInputs = context.weightedInputs()
    }

    func prepare(rows: Int) throws(ComputeError) {
        try convolution.prepare(rows: rows)
    }

    func load(weights: UnsafePointer<Float>) {
        convolution.loadWeights(weights + context.parameters[0].lowerBound)
    }

    func forward(_ block: Block) {
        convolution.forward(rows: block.rows, biases: block.weights + context.parameters[1].lowerBound)
        guard let activation = context.activation else { return }
        let count = block.rows * context.output.count
        weightedInputs?.pointer.update(from: context.destination, count: count)
        activation.apply(context.destination, count)
    }

    func parameterGradient(
        _ block: Block, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool
    ) {
        if let activation = context.activation {
            activation.multiplyBySlope(
                context.outputErrors, weightedInputs?.pointer ?? context.destination,
                block.rows * context.output.count)
        }
        convolution.backward(
            rows: block.rows, accumulating: accumulating,
            weightGradient: gradient + context.parameters[0].lowerBound,
            biasGradient: gradient + context.parameters[1].lowerBound)
    }

    func inputErrors(_ block: Block) {
        convolution.inputErrors(rows: block.rows)
    }
}
