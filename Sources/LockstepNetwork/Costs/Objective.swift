/// What a network is trained for, and what is done against learning by heart.
package struct Objective: Codable, Hashable, Sendable {
    package var cost: Cost
    /// Share of the target that is spread evenly over all classes, with the cost cross-entropy.
    package var labelSmoothing: Double
    /// Share of the inputs that is left out in training.
    package var inputDropout: Double
    /// Share of each hidden layer's neurons that is left out in training.
    package var hiddenDropout: Double

    package init(
        cost: Cost, labelSmoothing: Double = 0, inputDropout: Double = 0, hiddenDropout: Double = 0
    ) {
        self.cost = cost
        self.labelSmoothing = labelSmoothing
        self.inputDropout = inputDropout
        self.hiddenDropout = hiddenDropout
    }
}
