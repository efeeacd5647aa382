import CKernels
import COneDNN

/// A primitive of a convolution, with the copies that it needs before and after.
final class ConvolutionPass {
    private let before: ImageCopy?
    private let primitive: OneDNNPrimitives.Primitive
    private let after: ImageCopy?

    init(before: ImageCopy? = nil, _ primitive: OneDNNPrimitives.Primitive, after: ImageCopy? = nil) {
        (self.before, self.primitive, self.after) = (before, primitive, after)
    }

    func run() {
        before?.run()
        primitive.run()
        after?.run()
    }

    /// Bytes of memory that the pass alone uses.
    var byteCount: Int { primitive.scratchBytes + (before?.memory.byteCount ?? 0) + (after?.memory.byteCount ?? 0) }
}

/// The images of a pass: the caller's, or a copy.
struct ImageMemory {
    let pointer: UnsafeMutablePointer<Float>
    var copy: ImageCopy?
}

/// A copy of images into another shape. What it does not write stays zero.
struct ImageCopy {
    let source: UnsafeMutablePointer<Float>
    let from: lockstep_image_shape
    let rows: Int
    let placement: lockstep_placement
    let destination: UnsafeMutablePointer<Float>
    let to: lockstep_image_shape
    /// Source or destination, which exists for this copy.
    let memory: AlignedFloats

    func run() {
        lockstep_place_images(source, from, rows, placement, destination, to)
    }
}

extension lockstep_image_shape {
    /// The floats of one sample.
    var count: Int { channels.roundedUp(to: lanes) * rows * columns }

    /// Where an element lies.
    func index(_ sample: Int, _ channel: Int, _ row: Int, _ column: Int) -> Int {
        sample * count + ((channel / lanes * rows + row) * columns + column) * lanes + channel % lanes
    }
}

extension lockstep_placement {
    /// Every element keeps its row and column.
    static var identity: lockstep_placement { lockstep_placement(top: 0, left: 0, row_step: 1, column_step: 1) }
}

/// The order of packed weights in memory.
struct WeightLayout: Hashable {
    private let filterLanes: Int
    private let filterBlock: Int
    private let filterStep: Int
    private let channelLanes: Int
    private let channelBlock: Int
    private let channelStep: Int
    private let positionStep: Int

    /// - Returns: Nil if the weights have an order that ``lockstep_weight_layout`` cannot express.
    init?(_ description: TensorDescription?, of geometry: Convolution.Geometry) {
        guard let description, description.format_kind == dnnl_blocked, description.extra.flags == 0 else { return nil }
        let blocking = description.format_desc.blocking
        let strides = withUnsafeBytes(of: blocking.strides) { $0.bindMemory(to: dnnl_dim_t.self).map { Int($0) } }
        let blocks = withUnsafeBytes(of: blocking.inner_blks) { $0.bindMemory(to: dnnl_dim_t.self).map { Int($0) } }
        let dimensions = withUnsafeBytes(of: blocking.inner_idxs) { $0.bindMemory(to: dnnl_dim_t.self).map { Int($0) } }
        // The lanes of filters and of channels, and their steps; the last of the inner blocks lies closest together.
        var inner = [(lanes: 1, step: 0), (lanes: 1, step: 0)]
        var step = 1
        for block in (0..<Int(blocking.inner_nblks)).reversed() {
            let dimension = dimensions[block]
            guard dimension < 2, inner[dimension].lanes == 1 else { return nil }
            inner[dimension] = (blocks[block], step)
            step *= blocks[block]
        }
        // The positions of the kernel lie at equal distances.
        guard geometry.kernelRows == 1 || strides[2] == geometry.kernelColumns * strides[3] else { return nil }
        (filterLanes, filterStep) = inner[0]
        (channelLanes, channelStep) = inner[1]
        (filterBlock, channelBlock, positionStep) = (strides[0], strides[1], strides[3])
    }

    var value: lockstep_weight_layout {
        lockstep_weight_layout(
            filter_lanes: filterLanes, filter_block: filterBlock, filter_step: filterStep, channel_lanes: channelLanes,
            channel_block: channelBlock, channel_step: channelStep, position_step: positionStep)
    }
}
