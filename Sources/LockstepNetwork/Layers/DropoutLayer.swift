package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// Drops a fraction of the values in training, other ones for each sample and epoch.
package struct DropoutLayer: LayerKind {
    /// The fraction of dropped values.
    package var rate: Double

    package init(rate: Double) {
        self.rate = rate
    }

    package static let name = "dropout"
    package static let meaning = "drops values in training, other ones for each sample and epoch"
    package static let defaults = DropoutLayer(rate: 0)
    package static let shortKey: String? = "rate"
    package static let keys = [
        ConfigurationKey(
            "rate", \DropoutLayer.rate, .number(0..<1), example: "0.5",
            "the part of the values that is left out for a sample in training")
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape { input }

    package func memory(of input: Shape) -> Int { input.count * MemoryLayout<Float>.stride }

    package func onnxNodes(of input: Shape) -> [ONNXNode] { [] }

    package func javaScript(of input: Shape) -> JavaScriptLayer? { nil }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        DropoutComputer(rate: rate, context)
    }
}

/// The passes of dropout.
///
/// The masks are drawn for values in the plain order of channels, rows and columns, so that they do not depend on the kernel.
private final class DropoutComputer: LayerComputer {
    private let context: LayerContext
    private let mask: DropoutMask
    /// The factors of a block's values, [maximumRows, output.count]; 0 for padding.
    private let factors: FloatBuffer
    /// Scratch memory for random bits.
    private let words: FloatBuffer
    /// The factors of one sample in plain order; nil if that is the order of the values.
    private let plain: FloatBuffer?

    init(rate: Double, _ context: LayerContext) {
        self.context = context
        mask = DropoutMask(rate: rate)
        let units = context.input.shape.count
        factors = FloatBuffer(count: context.maximumRows * context.input.count)
        words = FloatBuffer(count: 4 * ((units + 7) / 8))
        plain = context.input.lanes == 1 ? nil : FloatBuffer(count: units)
    }

    func forward(_ block: Block) {
        let count = context.input.count
        guard let epoch = block.epoch else {
            context.destination.update(from: context.source, count: block.rows * count)
            return
        }
        let units = context.input.shape.count
        words.pointer.withMemoryRebound(to: UInt32.self, capacity: words.count) { words in
            for row in 0..<block.rows {
                let target = factors.pointer + row * count
                mask.draw(
                    context.random, epoch: epoch, sample: block.samples[row], layer: context.position, units: units,
                    words: words, factors: plain?.pointer ?? target)
                if let plain { blockImages(plain.pointer, into: target, context.input.images, rows: 1) }
            }
        }
        multiply(context.source, by: factors.pointer, into: context.destination, count: block.rows * count)
    }

    func inputErrors(_ block: Block) {
        guard let inputErrors = context.inputErrors else { return }
        multiply(
            context.outputErrors, by: factors.pointer, into: inputErrors, count: block.rows * context.input.count)
    }
}
