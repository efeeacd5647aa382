package import LockstepNetwork

extension RunConfiguration {
    /// The run's optimizer, before its first step.
    ///
    /// - Parameters:
    ///   - layout: The parameters that it updates.
    ///   - stepsPerEpoch: Mini-batches of an epoch, which the schedule counts by.
    /// - Returns: An optimizer without memories.
    package func makeOptimizer(for layout: ParameterLayout, stepsPerEpoch: Int) -> any Optimizer {
        let base = makeBaseOptimizer(for: layout, stepsPerEpoch: stepsPerEpoch)
        guard regularization.average > 0 else { return base }
        return AveragedOptimizer(base, decay: regularization.average, count: layout.count)
    }

    private func makeBaseOptimizer(for layout: ParameterLayout, stepsPerEpoch: Int) -> any Optimizer {
        func rate(_ peak: Double) -> LearningRate {
            LearningRate(
                peak: peak, schedule: schedule, stepsPerEpoch: stepsPerEpoch, epochs: training.epochs)
        }
        switch optimizer {
        case .sgd(let learningRate, let momentum, let nesterov, let weightDecay):
            return GradientDescent(
                layout, rate: rate(learningRate), momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
        case .adamW(let learningRate, let beta1, let beta2, let epsilon, let weightDecay):
            return AdamW(
                layout, rate: rate(learningRate), beta1: beta1, beta2: beta2, epsilon: epsilon,
                weightDecay: weightDecay)
        }
    }
}

extension ParameterLayout {
    /// Calls `body` with the parts of `range` that are weights and those that are biases, for decay touches weights
    /// alone.
    func forEachPart(of range: Range<Int>, _ body: (_ part: Range<Int>, _ isWeights: Bool) -> Void) {
        for layer in layers where layer.segment.overlaps(range) {
            let weights = layer.weights.clamped(to: range)
            let biases = layer.biases.clamped(to: range)
            if !weights.isEmpty { body(weights, true) }
            if !biases.isEmpty { body(biases, false) }
        }
    }
}
