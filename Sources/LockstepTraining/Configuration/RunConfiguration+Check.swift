import LockstepConfiguration
package import LockstepData
import LockstepModel
package import LockstepNetwork

extension Architecture {
    /// Checks that a data set's samples fit the network's input and its classes the output.
    package func check(
        against dataset: DatasetDescription, targets: TargetEncoding? = nil
    ) throws(TrainingError) {
        let inputs: Int
        let outputs: Int
        do throws(NetworkError) {
            (inputs, outputs) = try ends()
        } catch {
            throw .invalidConfiguration("\(error)")
        }
        guard inputs == dataset.inputSize else {
            let (what, remedy) =
                layers.isEmpty
                ? ("network.sizes begins with \(inputs)", "set the first size to \(dataset.inputSize)")
                : ("network.input \(input) has \(inputs) values", "set network.input to the shape of a sample")
            throw .shapeMismatch(
                "\(what), but a sample of data set '\(dataset.name)' has \(dataset.inputSize) values; \(remedy)")
        }
        guard (output == .linear) == (dataset.hasTargets == true) else {
            throw .shapeMismatch(
                output == .linear
                    ? "network.output is linear, for numbers, but data set '\(dataset.name)' has classes; remove network.output, "
                        + "or name a column of numbers with data.target"
                    : "data set '\(dataset.name)' has numbers to learn, but network.output is \(output.rawValue), for classes; set "
                        + "network.output to linear")
        }
        if dataset.hasTargets == true {
            guard outputs == 1 else {
                throw .shapeMismatch(
                    "the network has \(outputs) outputs, but data set '\(dataset.name)' has one number to learn; give it one "
                        + "output")
            }
            return
        }
        if let targets {
            guard let problem = targets.problem(outputs: outputs, classes: dataset.classCount) else { return }
            throw .shapeMismatch("targets: \(problem)")
        }
        guard outputs >= dataset.classCount else {
            let (what, remedy) =
                layers.isEmpty
                ? ("network.sizes ends with", "set the last size to") : ("network.layers ends with", "end it with")
            throw .shapeMismatch(
                "\(what) \(outputs)\(layers.isEmpty ? "" : " values"), but data set '\(dataset.name)' has "
                    + "\(dataset.classCount) classes; \(remedy) \(dataset.classCount)")
        }
    }
}

extension RunConfiguration {
    /// Checks that the values are within their keys' limits and that the data set fits them; nothing is trusted.
    package func check(against dataset: DatasetDescription) throws(TrainingError) {
        if let model, let takes = network.sizes.first, takes != dataset.inputSize {
            throw .shapeMismatch(
                "model '\(model.name)' takes \(takes) values, but a sample of data set '\(dataset.name)' has "
                    + "\(dataset.inputSize)")
        }
        try network.check(against: dataset, targets: targets)
        for key in Self.keys {
            if let rule = key.brokenLimit(in: self) ?? key.brokenRule(in: self) {
                throw .invalidConfiguration("\(key.path) \(rule)")
            }
            if let fault = key.fault(in: self) { throw .invalidConfiguration(fault.text) }
        }
        if dataset.validationCount == 0, let path = keyOfEvaluations {
            throw .invalidConfiguration(
                "\(path) needs validation samples, and data set '\(dataset.name)' has none; choose another data set, or "
                    + "remove \(path)")
        }
        guard !augmentation.isActive || AugmentationOptions.side(of: dataset) != nil else {
            throw .shapeMismatch(
                "augmentation alters square images, but a sample of data set '\(dataset.name)' has "
                    + "\(dataset.inputSize) values; remove augmentation")
        }
    }
}
