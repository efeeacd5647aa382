import LockstepNumerics

/// The passes of layer and group normalisation.
final class NormComputer: LayerComputer {
    /// Nil: all values of a sample are normalised together.
    private let groups: Int?
    private let context: LayerContext
    /// What the backward pass needs of the forward pass, [maximumRows, 2] or [maximumRows, groups, 4].
    private let statistics: UnsafeMutablePointer<Double>

    init(groups: Int?, _ context: LayerContext) {
        self.groups = groups
        self.context = context
        let count = context.maximumRows * (groups.map { 4 * $0 } ?? 2)
        statistics = .allocate(capacity: count)
        statistics.initialize(repeating: 0, count: count)
    }

    deinit {
        statistics.deallocate()
    }

    func forward(_ block: Block) {
        let (weights, biases) = (
            block.weights + context.parameters[0].lowerBound, block.weights + context.parameters[1].lowerBound
        )
        if let groups {
            groupNorm(
                context.source, context.input.images, rows: block.rows, groups: groups, weights: weights,
                biases: biases, statistics: statistics, into: context.destination)
        } else {
            layerNorm(
                context.source, context.input.images, rows: block.rows, weights: weights, biases: biases,
                statistics: statistics, into: context.destination)
        }
    }

    /// Computes the errors of the input too: both need the same sums.
    func parameterGradient(
        _ block: Block, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool
    ) {
        let weights = block.weights + context.parameters[0].lowerBound
        let weightGradient = gradient + context.parameters[0].lowerBound
        let biasGradient = gradient + context.parameters[1].lowerBound
        if let groups {
            groupNormErrors(
                context.outputErrors, images: context.source, context.input.images, rows: block.rows, groups: groups,
                weights: weights, statistics: statistics, accumulating: accumulating, weightGradient: weightGradient,
                biasGradient: biasGradient, into: context.inputErrors)
        } else {
            layerNormErrors(
                context.outputErrors, images: context.source, context.input.images, rows: block.rows, weights: weights,
                statistics: statistics, accumulating: accumulating, weightGradient: weightGradient,
                biasGradient: biasGradient, into: context.inputErrors)
        }
    }

    func inputErrors(_ block: Block) {}
}
