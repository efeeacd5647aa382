import Lockstep

/// Three classes of samples with four values, which a small network can learn: value i of class i is near 1. A fifth of the
/// `count` samples is for validation, a fifth for the test.
func smallDataset(_ count: Int) throws -> Dataset {
    var inputs: [[Float]] = []
    var labels: [Int] = []
    for index in 0..<count {
        let label = index % 3
        let wobble = Float(index % 7) / 35
        inputs.append((0..<4).map { $0 == label ? 1 - wobble : wobble })
        labels.append(label)
    }
    return try Dataset(
        inputs: inputs, labels: labels, validation: count / 5, test: count / 5, name: "three")
}
