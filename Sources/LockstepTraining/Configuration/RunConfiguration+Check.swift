import LockstepConfiguration
package import LockstepData
package import LockstepNetwork

extension Architecture {
    /// Checks that a data set's samples fit the network's input and its classes the output.
    package func check(against dataset: DatasetDescription) throws(TrainingError) {
        guard let inputs = sizes.first, let outputs = sizes.last, sizes.count >= 2 else {
            throw .invalidConfiguration("network.sizes must name at least an input and an output layer")
        }
        guard inputs == dataset.inputSize else {
            throw .shapeMismatch(
                "network.sizes begins with \(inputs), but a sample of data set '\(dataset.name)' has "
                    + "\(dataset.inputSize) values; set the first size to \(dataset.inputSize)")
        }
        guard outputs >= dataset.classCount else {
            throw .shapeMismatch(
                "network.sizes ends with \(outputs), but data set '\(dataset.name)' has \(dataset.classCount) "
                    + "classes; set the last size to \(dataset.classCount)")
        }
    }
}

extension RunConfiguration {
    /// Checks that the values are within their keys' limits and that the data set fits them; nothing is trusted.
    package func check(against dataset: DatasetDescription) throws(TrainingError) {
        try network.check(against: dataset)
        for key in Self.keys {
            if let rule = key.brokenLimit(in: self) ?? key.brokenRule(in: self) {
                throw .invalidConfiguration("\(key.path) \(rule)")
            }
        }
        guard !augmentation.isActive || AugmentationOptions.side(of: dataset) != nil else {
            throw .shapeMismatch(
                "augmentation alters square images, but a sample of data set '\(dataset.name)' has "
                    + "\(dataset.inputSize) values; remove augmentation")
        }
    }
}
