import LockstepData
import LockstepNetwork
import LockstepTraining

extension RunConfiguration {
    /// Reads `network.output`, whose default and whose possible values follow from the cost.
    mutating func readOutput(in run: ConfigurationSection) throws(ConfigurationError) {
        network.output = cost.customaryOutput
        guard let section = try run.section("network"),
            let output = try section.choice("output", of: OutputActivation.self),
            let node = section.value("output")
        else { return }
        guard cost.accepts(output) else {
            throw section.impossible("output", node, "needs 'cost: cross-entropy'")
        }
        network.output = output
    }
}

extension RegularizationOptions {
    init(in run: ConfigurationSection) throws(ConfigurationError) {
        self.init()
        guard let section = try run.section("regularization") else { return }
        if let value = try section.number("dropout", in: 0..<1) { dropout = value }
        if let value = try section.number("input-dropout", in: 0..<1) { inputDropout = value }
        if let value = try section.number("label-smoothing", in: 0..<1) { labelSmoothing = value }
        if let value = try section.number("average", in: 0..<1) { average = value }
        if labelSmoothing > 0, try run.choice("cost", of: Cost.self) != .crossEntropy,
            let node = section.value("label-smoothing")
        {
            throw section.impossible("label-smoothing", node, "needs 'cost: cross-entropy'")
        }
    }
}

extension AugmentationOptions {
    init(in run: ConfigurationSection) throws(ConfigurationError) {
        self.init()
        guard let section = try run.section("augmentation") else { return }
        if let value = try section.number("shift", in: 0..<1_000) { shift = value }
        if let value = try section.number("rotation", in: 0..<180) { rotation = value }
        if let value = try section.number("scale", in: 0..<1) { scale = value }
        if let value = try section.number("shear", in: 0..<10) { shear = value }
        if let value = try section.number("elastic", in: 0..<1_000) { elastic = value }
        if let value = try section.number("smoothness", in: 1..<1_000) { smoothness = value }
    }
}
