package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// Layer normalisation: each sample gets mean 0 and variance 1 over all its values, which are then scaled and shifted one by
/// one.
///
/// Ba, Kiros and Hinton, "Layer normalization", 2016; PyTorch's LayerNorm over the whole shape, with ε = 1e-5. Unlike batch
/// normalisation it is exact under sharding: a sample's result depends on that sample alone.
package struct LayerNormLayer: LayerKind {
    package init() {}

    package static let name = "layer-norm"
    package static let meaning = "normalises each sample over all its values, then scales and shifts each of them"
    package static let defaults = LayerNormLayer()
    package static let keys: [ConfigurationKey<LayerNormLayer>] = []

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape { input }

    package func parameters(of input: Shape) -> [LayerParameter] {
        [
            LayerParameter("weight", input.dimensions, .constant(1)),
            LayerParameter("bias", input.dimensions, .constant(0)),
        ]
    }

    package func memory(of input: Shape) -> Int { 2 * MemoryLayout<Double>.stride }

    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        [
            ONNXNode(
                "LayerNormalization", version: 17, operands: [.parameter(0), .parameter(1)],
                attributes: [("axis", .integer(1)), ("epsilon", .number(Float(normalizationEpsilon)))])
        ]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        JavaScriptLayer(
            """
            const mean = a.reduce((s, x) => s + x, 0) / a.length;
            const variance = a.reduce((s, x) => s + (x - mean) * (x - mean), 0) / a.length;
            return a.map((x, i) => (x - mean) / Math.sqrt(variance + epsilon) * p[0][i] + p[1][i]);
            """, constants: [("epsilon", "\(normalizationEpsilon)")])
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        NormComputer(groups: nil, context)
    }
}
