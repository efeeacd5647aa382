/// The objective of training: the cost function, and regularisation that changes targets or units.
package struct Objective: Codable, Hashable, Sendable {
    package var cost: Cost
    /// What the outputs should be for a class; nil: 1 at its own output and 0 elsewhere.
    package var targets: TargetEncoding?
    /// The fraction of the target that is spread evenly over all classes; with cross-entropy only.
    package var labelSmoothing: Double
    /// The fraction of the inputs that is dropped in training.
    package var inputDropout: Double
    /// The fraction of each hidden layer's neurons that is dropped in training.
    package var hiddenDropout: Double

    package init(
        cost: Cost, targets: TargetEncoding? = nil, labelSmoothing: Double = 0, inputDropout: Double = 0,
        hiddenDropout: Double = 0
    ) {
        self.cost = cost
        self.targets = targets
        self.labelSmoothing = labelSmoothing
        self.inputDropout = inputDropout
        self.hiddenDropout = hiddenDropout
    }
}
