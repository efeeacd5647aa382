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
