import CKernels
import COneDNN

/// A two-dimensional convolution over blocks of images, and its gradients: oneDNN's direct algorithm, on one thread.
///
/// oneDNN reads and writes activations in blocks of channels, [rows, blocks, height, width, lanes], where a vector holds
/// the lanes; the last block is filled up. Unused lanes of ``Buffers/destination`` and ``Buffers/inputErrors`` are zeros.
/// Unused lanes of ``Buffers/source`` and ``Buffers/outputErrors`` may have any finite values: their weights are zeros.
///
/// The number of rows is part of the arithmetic, as in a matrix product. An object belongs to one thread.
package final class Convolution {
    package let geometry: Geometry

    private let buffers: Buffers
    private let sourceLanes: Int
    private let lanes: Int
    private let primitives: OneDNNPrimitives
    private let stream: OneDNNPrimitives.Stream
    /// The biases, filled up with zeros, [filters rounded up].
    private let biases: AlignedFloats
    /// The gradient of the biases, [filters rounded up].
    private let biasGradient: AlignedFloats
    /// The weights in each order that a primitive wants, and their gradient in each order that one writes.
    private var packedWeights: [WeightLayout: AlignedFloats] = [:]
    private var packedGradients: [WeightLayout: AlignedFloats] = [:]
    private var plans: [Plan] = []
    private var hasWeights = false

    /// Where the activations and errors lie; the same memory as long as the convolution exists, aligned to 64 bytes.
    package struct Buffers {
        /// The input images, in blocks of `sourceLanes` channels.
        package var source: UnsafeMutablePointer<Float>
        /// Receives the output images, in blocks of channels.
        package var destination: UnsafeMutablePointer<Float>
        /// The errors of the output images, in blocks of channels.
        package var outputErrors: UnsafeMutablePointer<Float>
        /// Receives the errors of the input images, in blocks of `sourceLanes` channels; nil if no layer needs them.
        package var inputErrors: UnsafeMutablePointer<Float>?

        package init(
            source: UnsafeMutablePointer<Float>, destination: UnsafeMutablePointer<Float>,
            outputErrors: UnsafeMutablePointer<Float>, inputErrors: UnsafeMutablePointer<Float>?
        ) {
            self.source = source
            self.destination = destination
            self.outputErrors = outputErrors
            self.inputErrors = inputErrors
        }
    }

    /// - Parameters:
    ///   - geometry: The shapes.
    ///   - buffers: The memory of activations and errors.
    ///   - sourceLanes: 1, if the source is [rows, channels, height, width], or the library's lanes.
    ///   - library: Computes the convolution. Loads oneDNN the first time, before other threads read the environment.
    /// - Throws: ``ComputeError`` if oneDNN cannot be used.
    package convenience init(
        _ geometry: Geometry, buffers: Buffers, sourceLanes: Int, library: ComputeLibrary
    ) throws(ComputeError) {
        try self.init(
            geometry, buffers: buffers, sourceLanes: sourceLanes, lanes: library.channelLanes,
            try library.convolutionPrimitives())
    }

    init(
        _ geometry: Geometry, buffers: Buffers, sourceLanes: Int, lanes: Int, _ primitives: OneDNNPrimitives
    ) throws(ComputeError) {
        precondition(sourceLanes == 1 || sourceLanes == lanes)
        self.geometry = geometry
        self.buffers = buffers
        self.sourceLanes = sourceLanes
        self.lanes = lanes
        self.primitives = primitives
        stream = try OneDNNPrimitives.Stream(primitives)
        biases = try AlignedFloats(count: geometry.filters.roundedUp(to: lanes))
        biasGradient = try AlignedFloats(count: geometry.filters.roundedUp(to: lanes))
    }

    /// Makes what blocks of this many rows need. Later calls for the same rows do nothing.
    ///
    /// - Throws: ``ComputeError`` if oneDNN has no direct algorithm for this convolution, or there is no memory.
    package func prepare(rows: Int) throws(ComputeError) {
        guard !plans.contains(where: { $0.rows == rows }) else { return }
        guard rows > 0, geometry.isPossible(rows: rows) else { throw .unsupportedConvolution(geometry, rows: rows) }
        let orders = packedWeights.count
        let plan = Plan(
            rows: rows, forward: try forwardPass(rows), backwardWeights: try backwardWeightsPass(rows),
            backwardData: try backwardDataPass(rows))
        plans.append(plan)
        if packedWeights.count > orders { hasWeights = false }
    }

    /// Reads new weights; before the first pass, after ``prepare(rows:)``, and whenever the weights have changed.
    ///
    /// - Parameter weights: [filters, input channels, kernel rows, kernel columns], row-major.
    package func loadWeights(_ weights: UnsafePointer<Float>) {
        for (layout, memory) in packedWeights {
            lockstep_pack_weights(
                weights, geometry.filters, geometry.inputChannels, geometry.kernelRows * geometry.kernelColumns,
                layout.value, memory.pointer)
        }
        hasWeights = true
    }

    /// Computes the output images, without an activation function: `destination = source * weights + biases`.
    ///
    /// - Parameters:
    ///   - rows: A prepared number.
    ///   - biases: [filters].
    package func forward(rows: Int, biases: UnsafePointer<Float>) {
        self.biases.pointer.update(from: biases, count: geometry.filters)
        plan(rows).forward.run()
    }

    /// Computes the gradients of weights and biases, summed over the rows, from the source and the errors of the outputs.
    ///
    /// - Parameters:
    ///   - rows: A prepared number.
    ///   - accumulating: Whether the sums are added to the gradients' content.
    ///   - weightGradient: Receives the gradient, [filters, input channels, kernel rows, kernel columns], row-major.
    ///   - biasGradient: Receives the gradient, [filters].
    package func backward(
        rows: Int, accumulating: Bool, weightGradient: UnsafeMutablePointer<Float>,
        biasGradient: UnsafeMutablePointer<Float>
    ) {
        let (pass, layout, packed) = plan(rows).backwardWeights
        pass.run()
        lockstep_unpack_weights(
            packed.pointer, geometry.filters, geometry.inputChannels, geometry.kernelRows * geometry.kernelColumns,
            layout.value, accumulating, weightGradient)
        if accumulating {
            lockstep_accumulate(self.biasGradient.pointer, biasGradient, geometry.filters)
        } else {
            biasGradient.update(from: self.biasGradient.pointer, count: geometry.filters)
        }
    }

    /// Computes the errors of the input images from those of the outputs, into ``Buffers/inputErrors``.
    ///
    /// - Parameter rows: A prepared number.
    package func inputErrors(rows: Int) {
        guard let pass = plan(rows).backwardData else { preconditionFailure("no memory for the errors of the inputs") }
        pass.run()
    }

    /// Floating-point operations of the forward pass over one sample. Each backward pass has as many.
    package var flops: Int { geometry.flops }

    /// Bytes of memory that this object has besides ``Buffers``: for weights and their gradients, and for blocks of this many
    /// rows, a prepared number.
    package func workspaceBytes(rows: Int) -> Int {
        let plan = plan(rows)
        let weights = packedWeights.values.map(\.byteCount) + packedGradients.values.map(\.byteCount)
        let passes = [plan.forward, plan.backwardWeights.pass] + (plan.backwardData.map { [$0] } ?? [])
        return weights.reduce(biases.byteCount + biasGradient.byteCount, +) + passes.map(\.byteCount).reduce(0, +)
    }

    private func plan(_ rows: Int) -> Plan {
        guard let plan = plans.first(where: { $0.rows == rows }) else {
            preconditionFailure("a block of \(rows) rows, which was not prepared")
        }
        precondition(hasWeights)
        return plan
    }
}

/// What a convolution runs for blocks of one number of rows.
private struct Plan {
    let rows: Int
    let forward: ConvolutionPass
    /// Writes the gradient of the weights into `gradient`, in this order.
    let backwardWeights: (pass: ConvolutionPass, layout: WeightLayout, gradient: AlignedFloats)
    /// Nil if the errors of the inputs are not wanted.
    let backwardData: ConvolutionPass?
}

// The library does not implement every convolution for every layout. Each pass has a list of equivalent convolutions, the
// fastest first, and uses the first that is implemented.
extension Convolution {
    /// A form in which a primitive reads the source.
    private struct SourceForm {
        /// The shapes that the primitive sees; channels and filters are filled up.
        var geometry: Geometry
        /// 1, or the library's lanes.
        var lanes: Int
        /// Whether the padding is part of the images, as zeros.
        var includesPadding = false
    }

    /// The forms of the source, [filled up, plain or in blocks, with padding or without].
    private func sourceForms(_ pass: OneDNNPrimitives.Pass) -> [SourceForm] {
        var forms: [SourceForm] = []
        let blocked = geometry.filledUp(to: lanes)
        if sourceLanes == 1 {
            var plain = blocked
            plain.inputChannels = geometry.inputChannels
            forms.append(SourceForm(geometry: plain, lanes: 1))
            // With AVX2, the gradient of plain images is implemented for three channels only.
            plain.inputChannels = 3
            if geometry.inputChannels < 3, pass == .backwardWeights {
                forms.append(SourceForm(geometry: plain, lanes: 1))
            }
        }
        forms.append(SourceForm(geometry: blocked, lanes: lanes))
        forms.append(SourceForm(geometry: blocked.withPaddingInInputs, lanes: lanes, includesPadding: true))
        return forms
    }

    private func forwardPass(_ rows: Int) throws(ComputeError) -> ConvolutionPass {
        for form in sourceForms(.forward) {
            guard let (implementation, tensors) = try implementation(.forward, form.geometry, form.lanes, rows),
                let layout = WeightLayout(implementation.weights, of: form.geometry)
            else { continue }
            let source = try sourceMemory(form, rows)
            let weights = try memory(layout, in: &packedWeights, tensors.weights)
            let primitive = try OneDNNPrimitives.Primitive(
                implementation,
                [
                    (DNNL_ARG_SRC, tensors.source, source.pointer),
                    (DNNL_ARG_WEIGHTS, tensors.weights, weights.pointer),
                    (DNNL_ARG_BIAS, tensors.biases, biases.pointer),
                    (DNNL_ARG_DST, tensors.destination, buffers.destination),
                ], on: stream)
            return ConvolutionPass(before: source.copy, primitive)
        }
        throw .unsupportedConvolution(geometry, rows: rows)
    }

    private func backwardWeightsPass(
        _ rows: Int
    ) throws(ComputeError) -> (pass: ConvolutionPass, layout: WeightLayout, gradient: AlignedFloats) {
        for form in sourceForms(.backwardWeights) {
            guard let (implementation, tensors) = try implementation(.backwardWeights, form.geometry, form.lanes, rows),
                let layout = WeightLayout(implementation.weights, of: form.geometry)
            else { continue }
            let source = try sourceMemory(form, rows)
            let gradient = try memory(layout, in: &packedGradients, tensors.weights)
            let primitive = try OneDNNPrimitives.Primitive(
                implementation,
                [
                    (DNNL_ARG_SRC, tensors.source, source.pointer),
                    (DNNL_ARG_DIFF_DST, tensors.destination, buffers.outputErrors),
                    (DNNL_ARG_DIFF_WEIGHTS, tensors.weights, gradient.pointer),
                    (DNNL_ARG_DIFF_BIAS, tensors.biases, biasGradient.pointer),
                ], on: stream)
            return (ConvolutionPass(before: source.copy, primitive), layout, gradient)
        }
        throw .unsupportedConvolution(geometry, rows: rows)
    }

    private func backwardDataPass(_ rows: Int) throws(ComputeError) -> ConvolutionPass? {
        guard let inputErrors = buffers.inputErrors else { return nil }
        let blocked = geometry.filledUp(to: lanes)
        for (seen, isSpread) in [(blocked, false), (blocked.withSpreadOutputs, true)] {
            guard let (implementation, tensors) = try implementation(.backwardData, seen, lanes, rows),
                let layout = WeightLayout(implementation.weights, of: seen)
            else { continue }
            let errors =
                isSpread
                ? try copied(
                    from: buffers.outputErrors, geometry.outputImages(lanes: lanes), placement: geometry.spreading,
                    to: seen.outputImages(lanes: lanes), rows)
                : ImageMemory(pointer: buffers.outputErrors)
            let inputs =
                sourceLanes == 1
                ? try copied(
                    to: inputErrors, geometry.inputImages(lanes: 1), from: geometry.inputImages(lanes: lanes), rows)
                : ImageMemory(pointer: inputErrors)
            let weights = try memory(layout, in: &packedWeights, tensors.weights)
            let primitive = try OneDNNPrimitives.Primitive(
                implementation,
                [
                    (DNNL_ARG_DIFF_DST, tensors.destination, errors.pointer),
                    (DNNL_ARG_WEIGHTS, tensors.weights, weights.pointer),
                    (DNNL_ARG_DIFF_SRC, tensors.source, inputs.pointer),
                ], on: stream)
            return ConvolutionPass(before: errors.copy, primitive, after: inputs.copy)
        }
        throw .unsupportedConvolution(geometry, rows: rows)
    }

    /// An implementation of a pass, and the tensors that it computes with.
    private func implementation(
        _ pass: OneDNNPrimitives.Pass, _ geometry: Geometry, _ sourceLanes: Int, _ rows: Int
    ) throws(ComputeError) -> (OneDNNPrimitives.Implementation, OneDNNPrimitives.Tensors)? {
        let blocks = lanes == 8 ? dnnl_nChw8c : dnnl_nChw16c
        var tensors = OneDNNPrimitives.Tensors(
            source: try primitives.description(
                [rows, geometry.inputChannels, geometry.inputRows, geometry.inputColumns],
                sourceLanes == 1 ? dnnl_nchw : blocks),
            weights: try primitives.description(
                [geometry.filters, geometry.inputChannels, geometry.kernelRows, geometry.kernelColumns],
                dnnl_format_tag_any),
            biases: try primitives.description([geometry.filters], dnnl_x),
            destination: try primitives.description(
                [rows, geometry.filters, geometry.outputRows, geometry.outputColumns], blocks))
        let lanes = lanes
        let implementation = try primitives.implementation(
            of: pass, tensors, strides: [geometry.strideRows, geometry.strideColumns],
            paddingBefore: [geometry.paddingTop, geometry.paddingLeft],
            paddingAfter: [geometry.paddingBottom, geometry.paddingRight]
        ) { implementation in
            // `ref` and `gemm` are many times slower. The order in which AVX-512's `jit_1x1` adds up a gradient depends on
            // the size of the CPU's cache.
            implementation.name.hasPrefix("jit:")
                || implementation.name.hasPrefix("jit_1x1:") && !(pass == .backwardWeights && lanes == 16)
        }
        guard let implementation, let weights = implementation.weights else { return nil }
        tensors.weights = weights
        return (implementation, tensors)
    }

    /// The memory of packed weights in an order; made once.
    private func memory(
        _ layout: WeightLayout, in existing: inout [WeightLayout: AlignedFloats], _ weights: TensorDescription
    ) throws(ComputeError) -> AlignedFloats {
        if let memory = existing[layout] { return memory }
        let new = try AlignedFloats(count: primitives.count(of: weights))
        existing[layout] = new
        return new
    }

    /// The source in a form; a copy, unless the source has this form itself.
    private func sourceMemory(_ form: SourceForm, _ rows: Int) throws(ComputeError) -> ImageMemory {
        let isFilledUp = form.lanes == lanes || form.geometry.inputChannels == geometry.inputChannels
        if form.lanes == sourceLanes, isFilledUp, !form.includesPadding { return ImageMemory(pointer: buffers.source) }
        return try copied(
            from: buffers.source, geometry.inputImages(lanes: sourceLanes),
            placement: form.includesPadding ? geometry.padding : .identity,
            to: form.geometry.inputImages(lanes: form.lanes), rows)
    }

    /// New memory into which images are copied before a pass.
    private func copied(
        from source: UnsafeMutablePointer<Float>, _ shape: lockstep_image_shape, placement: lockstep_placement,
        to copyShape: lockstep_image_shape, _ rows: Int
    ) throws(ComputeError) -> ImageMemory {
        let memory = try AlignedFloats(count: rows * copyShape.count)
        return ImageMemory(
            pointer: memory.pointer,
            copy: ImageCopy(
                source: source, from: shape, rows: rows, placement: placement, destination: memory.pointer,
                to: copyShape, memory: memory))
    }

    /// New memory from which images are copied after a pass.
    private func copied(
        to destination: UnsafeMutablePointer<Float>, _ shape: lockstep_image_shape,
        from copyShape: lockstep_image_shape, _ rows: Int
    ) throws(ComputeError) -> ImageMemory {
        let memory = try AlignedFloats(count: rows * copyShape.count)
        return ImageMemory(
            pointer: memory.pointer,
            copy: ImageCopy(
                source: memory.pointer, from: copyShape, rows: rows, placement: .identity, destination: destination,
                to: shape, memory: memory))
    }
}
