package import LockstepNetwork

/// What is done against learning the training samples by heart, beside the optimizer's weight decay.
package struct RegularizationOptions: Codable, Hashable, Sendable {
    /// Share of each hidden layer's neurons that is left out in training.
    package var dropout: Double
    /// Share of the inputs that is left out in training.
    package var inputDropout: Double
    /// Share of the target that is spread evenly over all classes.
    package var labelSmoothing: Double
    /// What a step keeps of the weights' moving average, which then is what is evaluated and saved; 0: no average.
    package var average: Double

    package init(
        dropout: Double = 0, inputDropout: Double = 0, labelSmoothing: Double = 0, average: Double = 0
    ) {
        self.dropout = dropout
        self.inputDropout = inputDropout
        self.labelSmoothing = labelSmoothing
        self.average = average
    }
}

extension RunConfiguration {
    /// What the run trains for.
    package var objective: Objective {
        Objective(
            cost: cost, labelSmoothing: regularization.labelSmoothing, inputDropout: regularization.inputDropout,
            hiddenDropout: regularization.dropout)
    }
}
