/// Finds the class of each row's largest output, the lowest class on a tie, and counts the rows where it is the label.
///
/// NaN is never the largest, and a row with a NaN counts as wrong; a row of NaNs gives class 0.
///
/// - Parameters:
///   - outputs: Output activations or weighted inputs of the last layer, [rows, classes], row-major.
///   - labels: The samples' classes, [rows].
///   - rows: Samples.
///   - classes: Outputs of a sample.
///   - predictions: Receives the classes, [rows].
/// - Returns: The number of predictions that equal the labels.
package func countCorrect(
    _ outputs: UnsafePointer<Float>, labels: UnsafePointer<UInt16>, rows: Int, classes: Int,
    predictions: UnsafeMutablePointer<Int>
) -> Int {
    var correct = 0
    for row in 0..<rows {
        let largest = indexOfLargest(UnsafeBufferPointer(start: outputs + row * classes, count: classes))
        predictions[row] = largest.index
        if largest.index == Int(labels[row]) && !largest.sawNaN { correct += 1 }
    }
    return correct
}

/// The index of the largest value, the lowest index on a tie; NaNs are ignored.
private func indexOfLargest(_ values: UnsafeBufferPointer<Float>) -> (index: Int, sawNaN: Bool) {
    var index = 0
    var largest = -Float.infinity
    var sawNaN = false
    for (i, value) in values.enumerated() {
        if value > largest { (index, largest) = (i, value) }
        sawNaN = sawNaN || value.isNaN
    }
    return (index, sawNaN)
}

/// The mean of the outputs that several networks give to the same samples.
///
/// The outputs are activations, from 0 to 1. Those of a softmax network are its probabilities of the classes, and so is their
/// mean. Those of a sigmoid network are each output's own activation, which need not add up to 1: their mean ranks the
/// classes, and is no probability.
///
/// The activations are added in double, network by network, and their mean is rounded to float32 once. So it depends on the
/// order of the networks and on nothing else, and the mean of one network's outputs has their bits.
package struct OutputMean {
    private let networks: Int
    private var sums: [Double]

    /// - Parameters:
    ///   - networks: The number of networks, each of which adds all its outputs once.
    ///   - count: The outputs of one network: samples times classes.
    package init(networks: Int, count: Int) {
        precondition(networks > 0)
        self.networks = networks
        sums = Array(repeating: 0, count: count)
    }

    /// Adds outputs of a network.
    ///
    /// - Parameters:
    ///   - outputs: The activations of some samples, [samples, classes], row-major.
    ///   - start: The index of the first of them among all outputs of the network.
    package mutating func add(_ outputs: UnsafeBufferPointer<Float>, at start: Int = 0) {
        for (index, output) in outputs.enumerated() { sums[start + index] += Double(output) }
    }

    /// The mean of each output, [samples, classes], row-major.
    package var values: [Float] { sums.map { Float($0 / Double(networks)) } }
}
