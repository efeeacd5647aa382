import LockstepNetwork
import Testing

@Suite("Outputs")
struct OutputsTests {
    private func mean(_ networks: [[Float]]) -> [Float] {
        var mean = OutputMean(networks: networks.count, count: networks[0].count)
        for outputs in networks { outputs.withUnsafeBufferPointer { mean.add($0) } }
        return mean.values
    }

    @Test("The mean is that of each output, by hand")
    func byHand() {
        #expect(mean([[0.25, 0.75, 0], [0.5, 0.25, 1]]) == [0.375, 0.5, 0.5])
        #expect(mean([[1, 0], [0, 1], [0, 1]]) == [Float(1.0 / 3), Float(2.0 / 3)])
    }

    @Test("Outputs are added in double: what float32 loses beside 1 counts")
    func precision() {
        let tiny: Float = 0x1p-24
        #expect(1 + tiny + tiny == 1)
        #expect(mean([[1], [tiny], [tiny]]) == [Float((1 + 0x1p-23) / 3.0)])
        #expect(mean([[1], [tiny], [tiny]]) != [1.0 / 3])
    }

    @Test("The mean of one network's outputs, and of equal networks', has their bits")
    func one() {
        let outputs: [Float] = [0.1, 1.0 / 3, .leastNormalMagnitude, 0, 1, 0.9999999]
        #expect(mean([outputs]) == outputs)
        #expect(mean([outputs, outputs, outputs]) == outputs)
        #expect(mean([[.nan]])[0].isNaN)
    }

    @Test("Blocks of samples are added where they begin")
    func blocks() {
        var mean = OutputMean(networks: 2, count: 4)
        for (outputs, start) in [([0.5, 1], 0), ([0.25, 0], 2), ([1], 3), ([0, 0.5, 0.25], 0)] as [([Float], Int)] {
            outputs.withUnsafeBufferPointer { mean.add($0, at: start) }
        }
        #expect(mean.values == [0.25, 0.75, 0.25, 0.5])
    }

    @Test("Each cost of averaged outputs, by hand")
    func costs() {
        let outputs: [Float] = [0.5, 0.25, 0.25, 0.125, 0.5, 0.125]
        func cost(_ cost: Cost, _ function: OutputActivation) -> Double {
            cost.lossSum(ofOutputs: outputs, of: function, labels: [0, 1], rows: 2, classes: 3)
        }
        #expect(cost(.quadratic, .sigmoid) == 0.5 * (0.25 + 0.125) + 0.5 * (0.25 + 0.03125))
        let ln2 = 0.693147180559945309
        #expect(abs(cost(.crossEntropy, .softmax) - 2 * ln2) < 1e-15)
        // -log ½ and -log(1 - ½) are ln 2; -log ¾ = 0.28768207245178, -log ⅞ = 0.13353139262452.
        #expect(abs(cost(.crossEntropy, .sigmoid) - (2 * ln2 + 2 * 0.287682072451781 + 2 * 0.133531392624523)) < 1e-14)
    }
}
