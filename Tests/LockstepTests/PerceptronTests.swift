import Lockstep
import Testing

private let bits: [[Double]] = [[0, 0], [0, 1], [1, 0], [1, 1]]

@Suite("Perceptrons")
struct PerceptronTests {
    @Test("NAND is 0 for two ones alone")
    func nand() {
        #expect(bits.map { Perceptron.nand.output($0) } == [1, 1, 1, 0])
    }

    @Test("NAND gates add two bits")
    func halfAdder() {
        // Outputs are sum and carry.
        #expect(bits.map { PerceptronNetwork.halfAdder.outputs($0) } == [[0, 0], [1, 0], [1, 0], [0, 1]])
    }

    @Test("multiplying all weights and biases by c > 0 changes no output", arguments: [1e-6, 0.3, 1, 7, 1e9])
    func scaling(factor: Double) throws {
        let adder = PerceptronNetwork.halfAdder.scaled(by: factor)
        for input in bits { #expect(adder.outputs(input) == PerceptronNetwork.halfAdder.outputs(input)) }
        // Not at z = 0 either: perceptrons don't need the condition of the exercise on sigmoid neurons.
        let onTheEdge = Perceptron(weights: [1, -1], bias: 0)
        #expect(onTheEdge.output([1, 1]) == 0)
        #expect(onTheEdge.scaled(by: factor).output([1, 1]) == 0)
    }

    @Test("sigmoid neurons approach the perceptrons as c grows")
    func limit() {
        let adder = PerceptronNetwork.halfAdder
        var previous = 1.0
        for factor in [4.0, 8, 16, 32, 64] {
            let distance =
                bits.map { input in
                    zip(adder.scaled(by: factor).outputs(input, activation: .sigmoid), adder.outputs(input))
                        .map { abs($0 - $1) }.max() ?? 0
                }.max() ?? 0
            #expect(distance < previous)
            previous = distance
        }
        #expect(previous < 1e-6)
    }

    @Test("but not where w·x + b = 0: the sigmoid stays at one half for every c")
    func failure() {
        let neuron = Perceptron(weights: [1, -1], bias: 0)
        for factor in [1.0, 1e3, 1e6, 1e9] {
            #expect(neuron.scaled(by: factor).weightedInput([1, 1]) == 0)
            #expect(neuron.scaled(by: factor).output([1, 1], activation: .sigmoid) == 0.5)
        }
        #expect(neuron.output([1, 1]) == 0)
    }

    @Test("impossible wiring is refused")
    func wiring() {
        #expect(throws: LockstepError.self) {
            try PerceptronNetwork(inputCount: 2, units: [.init(.nand, from: [0, 2])], outputSignals: [2])
        }
        #expect(throws: LockstepError.self) {
            try PerceptronNetwork(inputCount: 2, units: [.init(.nand, from: [0])], outputSignals: [2])
        }
        #expect(throws: LockstepError.self) {
            try PerceptronNetwork(inputCount: 2, units: [.init(.nand, from: [0, 1])], outputSignals: [3])
        }
    }
}

@Suite("Gradient descent in one dimension")
struct GradientDescentTests {
    /// f(x) = (x - 2)², f'(x) = 2(x - 2).
    private func slope(_ x: Double) -> Double { 2 * (x - 2) }

    @Test("goes straight to the minimum, zigzags to it, or diverges, as the rate grows")
    func rates() {
        let slow = gradientDescentPath(from: 0, learningRate: 0.1, steps: 100, derivative: slope)
        #expect(zip(slow, slow.dropFirst()).prefix(20).allSatisfy { $0 < $1 && $1 < 2 })
        #expect(abs(slow[100] - 2) < 1e-9)
        // The distance is multiplied by 1 - 2η in each step.
        #expect(gradientDescentPath(from: 0, learningRate: 0.5, steps: 1, derivative: slope) == [0, 2])
        let zigzag = gradientDescentPath(from: 0, learningRate: 0.9, steps: 3, derivative: slope)
        #expect(zigzag[1] > 2 && zigzag[2] < 2 && zigzag[3] > 2)
        let diverging = gradientDescentPath(from: 0, learningRate: 1.1, steps: 100, derivative: slope)
        #expect(abs(diverging[100] - 2) > 1e6)
    }
}
