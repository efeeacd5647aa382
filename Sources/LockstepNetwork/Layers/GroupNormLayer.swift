package import LockstepCompute
package import LockstepConfiguration
import LockstepNumerics

/// Group normalisation: the channels of an image are divided into groups, each of which gets mean 0 and variance 1 in each
/// sample; then each channel is scaled and shifted.
///
/// Wu and He, "Group normalization", ECCV 2018; PyTorch's GroupNorm, with ε = 1e-5.
package struct GroupNormLayer: LayerKind {
    package var groups: Int

    package init(groups: Int) {
        self.groups = groups
    }

    package static let name = "group-norm"
    package static let meaning = "normalises groups of channels of each sample, then scales and shifts each channel"
    package static let defaults = GroupNormLayer(groups: 1)
    package static let shortKey: String? = "groups"
    package static let keys = [
        ConfigurationKey(
            "groups", \GroupNormLayer.groups, .integer(1...65_536), example: "8",
            "the number of groups, which divides the number of channels")
    ]

    package func outputShape(of input: Shape) throws(LayerProblem) -> Shape {
        guard case .image(let channels, _, _) = input else { throw .readsImages }
        guard channels % groups == 0 else {
            // A number of channels divides itself, so there is one.
            let nearest = (1...channels).filter { channels % $0 == 0 }.min { abs($0 - groups) < abs($1 - groups) } ?? 1
            throw LayerProblem(
                "has \(groups) groups, which do not divide the \(channels == 1 ? "one channel" : "\(channels) channels") "
                    + "before it: give a number that does, such as \(nearest)")
        }
        return input
    }

    package func parameters(of input: Shape) -> [LayerParameter] {
        guard case .image(let channels, _, _) = input else { return [] }
        return [
            LayerParameter("weight", [channels], .constant(1)), LayerParameter("bias", [channels], .constant(0)),
        ]
    }

    package func memory(of input: Shape) -> Int { 4 * groups * MemoryLayout<Double>.stride }

    /// Reshaped to [n, groups, values of a group], an instance normalisation does the work: the operator GroupNormalization has
    /// another meaning in version 18 than in version 21.
    package func onnxNodes(of input: Shape) -> [ONNXNode] {
        [
            ONNXNode("Reshape", operands: [.integers([0, groups, -1])]),
            ONNXNode(
                "InstanceNormalization", operands: [.constant(1, count: groups), .constant(0, count: groups)],
                attributes: [("epsilon", .number(Float(normalizationEpsilon)))]),
            ONNXNode("Reshape", operands: [.integers([0] + input.dimensions)]),
            ONNXNode("Mul", operands: [.perChannel(0)]),
            ONNXNode("Add", operands: [.perChannel(1)]),
        ]
    }

    package func javaScript(of input: Shape) -> JavaScriptLayer? {
        guard case .image(_, let rows, let columns) = input else { return nil }
        return JavaScriptLayer(
            """
            const z = new Float32Array(a.length), size = a.length / groups;
            for (let from = 0; from < a.length; from += size) {
                let mean = 0, variance = 0;
                for (let i = from; i < from + size; i++) mean += a[i] / size;
                for (let i = from; i < from + size; i++) variance += (a[i] - mean) * (a[i] - mean) / size;
                for (let i = from; i < from + size; i++) {
                    const c = Math.floor(i / area);
                    z[i] = (a[i] - mean) / Math.sqrt(variance + epsilon) * p[0][c] + p[1][c];
                }
            }
            return z;
            """,
            constants: [
                ("groups", "\(groups)"), ("area", "\(rows * columns)"), ("epsilon", "\(normalizationEpsilon)"),
            ])
    }

    package func makeComputer(_ context: LayerContext) throws(ComputeError) -> any LayerComputer {
        NormComputer(groups: groups, context)
    }
}
