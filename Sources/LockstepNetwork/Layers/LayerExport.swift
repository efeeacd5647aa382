/// An operator of an ONNX graph in a layer's export. Its first input is what the operator before it has made.
package struct ONNXNode: Sendable {
    package var kind: Activation.ONNXOperator
    /// The inputs after the first one.
    package var operands: [Operand]
    package var attributes: [(name: String, value: Attribute)]

    package enum Operand: Hashable, Sendable {
        /// One of the layer's parameters, by its index.
        case parameter(Int)
        /// One of the layer's parameters, [channels], with the shape [channels, 1, 1], so that it applies to each pixel.
        case perChannel(Int)
        /// The same number so many times.
        case constant(Float, count: Int)
        /// Whole numbers, such as a shape.
        case integers([Int])
    }

    package enum Attribute: Hashable, Sendable {
        case integer(Int)
        case integers([Int])
        case number(Float)
    }

    package init(
        _ name: String, version: Int64 = 13, operands: [Operand] = [],
        attributes: [(name: String, value: Attribute)] = []
    ) {
        self.kind = Activation.ONNXOperator(name, version: version)
        self.operands = operands
        self.attributes = attributes
    }

    init(_ function: Activation) {
        self.kind = function.onnxOperator
        self.operands = []
        self.attributes = []
    }
}

/// A layer's form in a page that runs the network in a browser.
///
/// A layer is a function of JavaScript from `a` to its output. `a` is an array of numbers, for images in the order of channels,
/// rows and columns. The function may read `p`, an array of the layer's parameters, each an array of numbers.
package struct JavaScriptLayer: Sendable {
    /// Names that the function reads, with their values: numbers or arrays of them.
    package var constants: [(name: String, value: String)]
    /// The body of the function, which returns the output.
    package var body: String

    package init(_ body: String, constants: [(name: String, value: String)] = []) {
        self.constants = constants
        self.body = body
    }
}

extension Window {
    /// The attributes of ONNX's convolution and pooling operators.
    var onnxAttributes: [(name: String, value: ONNXNode.Attribute)] {
        [
            ("kernel_shape", .integers([size.rows, size.columns])),
            ("strides", .integers([stride.rows, stride.columns])),
            ("pads", .integers([top, left, bottom, right])),
        ]
    }

    /// The constants of a page's function that moves the window over an image.
    func javaScriptConstants(channels: Int, over image: Extent) -> [(name: String, value: String)] {
        [
            ("channels", "\(channels)"), ("rows", "\(image.rows)"), ("columns", "\(image.columns)"),
            ("height", "\(size.rows)"), ("width", "\(size.columns)"), ("down", "\(stride.rows)"),
            ("right", "\(stride.columns)"), ("top", "\(top)"), ("left", "\(left)"),
            ("outputRows", "\(output.rows)"), ("outputColumns", "\(output.columns)"),
        ]
    }
}
