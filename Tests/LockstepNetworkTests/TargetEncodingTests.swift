import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTesting
import Testing

@Suite("Targets other than one output for each class")
struct TargetEncodingTests {
    /// A network's loss and gradient, compared with differences of losses.
    private func check(
        _ targets: TargetEncoding?, _ cost: Cost, _ output: OutputActivation, outputs: Int, classes: Int
    ) throws {
        var random = SplitMix64(seed: 21)
        let model = try NetworkModel(
            Architecture(sizes: [4, 5, outputs], activation: .tanh, output: output, initializer: .xavier),
            objective: Objective(cost: cost, targets: targets))
        let rows = 6
        let computer = try model.makeComputer(
            seed: 0, library: try ComputeLibrary.open(.portable), maximumRows: rows)
        try computer.prepare(rows: [rows])
        let weights = FloatBuffer(count: model.layout.count)
        model.initialize(seed: 3, into: weights)
        for index in 0..<rows * 4 { computer.inputs[index] = Float.random(in: -1...1, using: &random) }
        for row in 0..<rows {
            computer.labels[row] = UInt16(row % classes)
            computer.targets[row] = Float(row) / 3 - 1
        }
        computer.load(weights: weights.pointer)
        let gradient = FloatBuffer(count: model.layout.count)
        let loss = computer.gradient(rows: rows, into: gradient)
        var predictions = [Int](repeating: -1, count: rows)
        #expect(abs(computer.evaluate(rows: rows, predictions: &predictions).lossSum - loss) < 1e-6)
        for index in stride(from: 0, to: model.layout.count, by: 3) {
            let (value, step) = (weights.pointer[index], Float(1) / 128)
            func loss(_ weight: Float) -> Double {
                weights.pointer[index] = weight
                computer.load(weights: weights.pointer)
                return computer.evaluate(rows: rows, predictions: &predictions).lossSum
            }
            let slope = (loss(value + step) - loss(value - step)) / Double(2 * step)
            weights.pointer[index] = value
            #expect(abs(slope - Double(gradient.pointer[index])) < 2e-3 * max(1, abs(slope)), "parameter \(index)")
        }
        if output == .linear { #expect(predictions == Array(repeating: 0, count: rows)) }
    }

    @Test("have the gradient of their loss", arguments: [Cost.quadratic, .crossEntropy])
    func gradients(cost: Cost) throws {
        try check(.binary, cost, .sigmoid, outputs: 2, classes: 4)
        try check(.isClass(1), cost, .sigmoid, outputs: 1, classes: 3)
        if cost == .quadratic { try check(nil, cost, .linear, outputs: 1, classes: 2) }
    }

    @Test("give an answer, by the digits of a number in base 2 or by one class")
    func answers() {
        func answer(_ targets: TargetEncoding, _ outputs: [Float]) -> Int {
            outputs.withUnsafeBufferPointer { targets.answer(of: $0) }
        }
        #expect(answer(.binary, [0.9, 0.2, 0.1, 0.7]) == 9 && answer(.binary, [0.5, 0.6]) == 2)
        #expect(answer(.isClass(9), [0.6]) == 1 && answer(.isClass(9), [0.4]) == 0 && answer(.binary, [.nan]) == 0)
        #expect(TargetEncoding.isClass(9).answer(for: 9) == 1 && TargetEncoding.isClass(9).answer(for: 8) == 0)
        let outputs: [Float] = [0.9, 0.8, 0.1, 0.9, .nan, 0.1]
        var answers = [0, 0, 0]
        let correct = TargetEncoding.binary.countCorrect(
            outputs, labels: [3, 3, 0], rows: 3, count: 2, answers: &answers)
        #expect(correct == 1 && answers == [3, 2, 0])
        #expect(TargetEncoding.binary.answerNames(classes: ["a", "b", "c"], outputs: 2) == ["a", "b", "c", "3"])
        #expect(TargetEncoding.isClass(1).answerNames(classes: ["a", "b"], outputs: 1) == ["not b", "b"])
        #expect(TargetEncoding.confidence(of: [0.9, 0.3]) == 0.7)
    }

    @Test("need outputs for all classes, and say how many")
    func problems() {
        #expect(TargetEncoding.binary.problem(outputs: 4, classes: 10) == nil)
        #expect(TargetEncoding.binary.problem(outputs: 3, classes: 8) == nil)
        #expect(TargetEncoding.binary.problem(outputs: 3, classes: 10)?.hasSuffix("give it 4") == true)
        #expect(TargetEncoding.isClass(9).problem(outputs: 1, classes: 10) == nil)
        #expect(TargetEncoding.isClass(9).problem(outputs: 2, classes: 10)?.hasSuffix("give it 1") == true)
        #expect(TargetEncoding.isClass(9).problem(outputs: 1, classes: 9)?.contains("class 9 is none of") == true)
        for targets in [TargetEncoding.binary, .isClass(0), .isClass(65_535)] {
            #expect(TargetEncoding(text: targets.text) == targets)
        }
        for text in ["", "is", "is x", "is -1", "is 65536", "one-hot", "is 1 2"] {
            #expect(TargetEncoding(text: text) == nil, "\(text)")
        }
    }
}
