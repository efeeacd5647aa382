/// The rule that turns a gradient into a step.
package enum OptimizerConfiguration: Codable, Hashable, Sendable {
    /// Stochastic gradient descent; see ``GradientDescent``.
    case sgd(learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0)
    /// Adam with decoupled weight decay; see ``AdamW``.
    case adamW(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01)
}

/// What becomes of the learning rate while a run goes on.
package enum ScheduleConfiguration: Codable, Hashable, Sendable {
    /// It stays.
    case constant
    /// Multiplied by `factor` after every `every` epochs.
    case step(every: Int, factor: Double)
    /// Rises evenly over the first `warmUp` of the run's steps, then falls along half a cosine to `final` times its peak.
    ///
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, without restarts.
    case cosine(warmUp: Double = 0, final: Double = 0)
    /// Rises from `initial` times its peak along half a cosine over the first `warmUp` of the run's steps, then falls to
    /// `final` times its peak.
    ///
    /// Smith and Topin, "Super-convergence", 2018, in the form of PyTorch's OneCycleLR.
    case oneCycle(warmUp: Double = 0.3, initial: Double = 0.04, final: Double = 4e-6)
}
