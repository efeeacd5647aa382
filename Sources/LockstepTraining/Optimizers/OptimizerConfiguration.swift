package import LockstepConfiguration
package import LockstepNetwork

/// An optimizer's settings, which the configuration names and from which the optimizer is made.
package protocol OptimizerKind: ConfigurationKind {
    /// η before the schedule.
    var learningRate: Double { get }

    /// The optimizer before its first step.
    ///
    /// - Parameters:
    ///   - layout: The parameters that it updates.
    ///   - rate: The learning rate of each step.
    /// - Returns: An optimizer without state.
    func makeOptimizer(for layout: ParameterLayout, rate: LearningRate) -> any Optimizer
}

/// The optimizer of a run, as the configuration names it.
package struct OptimizerConfiguration: ConfigurationKinds {
    /// The registry: a row for each optimizer.
    package static let optimizers: [any OptimizerKind.Type] = [SGD.self, AdamWOptions.self]

    package static var all: [any ConfigurationKind.Type] { optimizers }

    package let optimizer: any OptimizerKind

    package var kind: any ConfigurationKind { optimizer }

    package init(_ optimizer: any OptimizerKind) {
        self.optimizer = optimizer
    }

    package init?(kind: any ConfigurationKind) {
        guard let optimizer = kind as? any OptimizerKind else { return nil }
        self.init(optimizer)
    }
}

extension RunConfiguration {
    /// The run's optimizer, before its first step.
    ///
    /// - Parameters:
    ///   - layout: The parameters that it updates.
    ///   - stepsPerEpoch: Mini-batches of an epoch, which the schedule counts by.
    /// - Returns: An optimizer without state.
    package func makeOptimizer(for layout: ParameterLayout, stepsPerEpoch: Int) -> any Optimizer {
        let kind = optimizer.optimizer
        let rate = LearningRate(
            peak: kind.learningRate, schedule: schedule, stepsPerEpoch: stepsPerEpoch, epochs: training.epochs)
        let base = kind.makeOptimizer(for: layout, rate: rate)
        guard regularization.emaDecay > 0 else { return base }
        return AveragedOptimizer(base, decay: regularization.emaDecay, count: layout.count)
    }
}

extension ParameterLayout {
    /// Calls `body` with each part of `range` that holds weights or biases of one layer: weight decay applies to weights
    /// only.
    func forEachPart(of range: Range<Int>, _ body: (_ part: Range<Int>, _ isWeights: Bool) -> Void) {
        for layer in layers where layer.segment.overlaps(range) {
            let weights = layer.weights.clamped(to: range)
            let biases = layer.biases.clamped(to: range)
            if !weights.isEmpty { body(weights, true) }
            if !biases.isEmpty { body(biases, false) }
        }
    }
}
