import Lockstep

/// Scores W x + b, their softmax and the negative log-likelihood.
struct SoftmaxRegression: TrainableModel {
    var inputCount = 4
    var outputCount = 3
    /// The sample whose gradient cannot be computed; nil: all can.
    var failingSample: Int?

    struct Failure: Error, CustomStringConvertible {
        let sample: Int
        var description: String { "sample \(sample) is not to be trained on" }
    }

    var parameters: [ParameterTensor] {
        [.weights("weight", [outputCount, inputCount]), .biases("bias", [outputCount])]
    }

    func initialize(_ parameters: inout MutableSpan<Float>, random: RandomNumbers) {
        for index in 0..<outputCount * inputCount { parameters[index] = random.normal(element: index) }
    }

    func addGradient(
        of block: SampleBlock, parameters: Span<Float>, to gradient: inout MutableSpan<Float>, workspace: inout ()
    ) throws -> Double {
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            if let failingSample, block.isTraining, block.epoch == 1, Int(block.sampleIndices[row]) == failingSample {
                throw Failure(sample: failingSample)
            }
            var errors = scores(of: row, block, parameters)
            lossSum += subtractTarget(from: &errors, label: Int(block.labels[row]))
            for output in 0..<outputCount {
                for input in 0..<inputCount {
                    gradient[output * inputCount + input] += errors[output] * block.inputs[row * inputCount + input]
                }
                gradient[outputCount * inputCount + output] += errors[output]
            }
        }
        return lossSum
    }

    func computeOutputs(
        of block: SampleBlock, parameters: Span<Float>, into outputs: inout MutableSpan<Float>, workspace: inout ()
    ) {
        for row in 0..<block.rowCount {
            for (index, score) in scores(of: row, block, parameters).enumerated() {
                outputs[row * outputCount + index] = score
            }
        }
    }

    func loss(of block: SampleBlock, outputs: Span<Float>) -> Double {
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            var scores = (0..<outputCount).map { outputs[row * outputCount + $0] }
            lossSum += subtractTarget(from: &scores, label: Int(block.labels[row]))
        }
        return lossSum
    }

    private func scores(of row: Int, _ block: SampleBlock, _ parameters: Span<Float>) -> [Float] {
        (0..<outputCount).map { output in
            var score = parameters[outputCount * inputCount + output]
            for input in 0..<inputCount {
                score += parameters[output * inputCount + input] * block.inputs[row * inputCount + input]
            }
            return score
        }
    }

    private func subtractTarget(from scores: inout [Float], label: Int) -> Double {
        let powers = scores.map { PortableMath.exp($0 - (scores.max() ?? 0)) }
        let sum = powers.reduce(0, +)
        scores = powers.map { $0 / sum }
        defer { scores[label] -= 1 }
        return -PortableMath.log(Double(scores[label]))
    }

    /// Samples of three classes, value i of class i near 1; a fifth each for validation and test.
    static func samples() throws -> Dataset {
        var inputs: [[Float]] = []
        for index in 0..<240 {
            let wobble = Float(index % 7) / 35
            inputs.append((0..<4).map { $0 == index % 3 ? 1 - wobble : wobble })
        }
        return try Dataset(inputs: inputs, labels: (0..<240).map { $0 % 3 }, validation: 48, test: 48, name: "three")
    }
}
