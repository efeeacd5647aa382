package import LockstepData
import LockstepNetwork

extension RunConfiguration {
    /// Checks that the samples fit the network.
    package func check(against dataset: DatasetDescription) throws(TrainingError) {
        guard let inputs = network.sizes.first, let outputs = network.sizes.last, network.sizes.count >= 2 else {
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
