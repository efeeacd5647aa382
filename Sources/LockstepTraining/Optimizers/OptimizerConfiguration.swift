package import LockstepConfiguration
package import LockstepModel

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
    package static let optimizers: [any OptimizerKind.Type] = [SGD.self, AdamWOptions.self, RMSpropOptions.self]

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
    /// The learning rate of each step of the run.
    ///
    /// - Parameter stepsPerEpoch: Mini-batches of an epoch, which the schedule counts by.
    /// - Returns: The rate.
    package func makeLearningRate(stepsPerEpoch: Int) -> LearningRate {
        LearningRate(
            peak: optimizer.optimizer.learningRate, schedule: schedule, stepsPerEpoch: stepsPerEpoch,
            epochs: training.epochs)
    }

    /// The run's optimizer, before its first step.
    ///
    /// - Parameters:
    ///   - layout: The parameters that it updates.
    ///   - rate: The learning rate of each step.
    /// - Returns: An optimizer without state.
    package func makeOptimizer(for layout: ParameterLayout, rate: LearningRate) -> any Optimizer {
        let base = optimizer.optimizer.makeOptimizer(for: layout, rate: rate)
        guard regularization.emaDecay > 0 else { return base }
        return AveragedOptimizer(base, decay: regularization.emaDecay, count: layout.count)
    }
}

extension ParameterLayout {
    /// Calls `body` with each part of `range` that holds values of one tensor: weight decay applies to some tensors only.
    func forEachPart(of range: Range<Int>, _ body: (_ part: Range<Int>, _ decays: Bool) -> Void) {
        for segment in segments where segment.range.overlaps(range) {
            for tensor in segment.tensors {
                let part = tensor.range.clamped(to: range)
                if !part.isEmpty { body(part, tensor.decays) }
            }
        }
    }
}
