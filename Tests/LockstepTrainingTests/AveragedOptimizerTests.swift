import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining
import Testing

@Suite("Averaged weights")
struct AveragedOptimizerTests {
    @Test("the average follows the formula in double, and training is the same without it")
    func reference() throws {
        let layout = try NetworkModel(Architecture(sizes: [3, 2])).layout
        let rate = LearningRate(peak: 0.5, stepsPerEpoch: 1, epochs: 50)
        let averaged = AveragedOptimizer(GradientDescent(layout, rate: rate), decay: 0.75, count: layout.count)
        let plain = GradientDescent(layout, rate: rate)
        var (current, next) = (FloatBuffer(count: layout.count), FloatBuffer(count: layout.count))
        let other = FloatBuffer(count: layout.count)
        var expected = [Double](repeating: 99, count: layout.count)
        for step in 0..<50 {
            let sum = (0..<layout.count).map { Float(step % 7) - Float($0) }
            averaged.beginStep(UInt64(step), samples: 2)
            let upper = 3..<layout.count
            #expect(
                averaged.update(upper, from: current.pointer, sum: Array(sum[3...]), into: next.pointer).isFinite)
            #expect(averaged.update(0..<3, from: current.pointer, sum: sum, into: next.pointer).isFinite)
            plain.beginStep(UInt64(step), samples: 2)
            #expect(plain.update(0..<layout.count, from: current.pointer, sum: sum, into: other.pointer).isFinite)
            #expect(Array(next.buffer) == Array(other.buffer))
            let keep = min(0.75, Double(step) / Double(step + 10))
            for i in expected.indices { expected[i] = keep * expected[i] + (1 - keep) * Double(next.pointer[i]) }
            swap(&current, &next)
        }
        let average = try #require(averaged.averagedWeights)
        for i in expected.indices { #expect(abs(Double(average.pointer[i]) - expected[i]) < 1e-4) }
        #expect(averaged.stateBuffers.map(\.name) == ["average"])
    }

    @Test("replaced weights are another version in the memory of the next weights, and the next step is the same")
    func replaced() {
        let (first, second) = (FloatBuffer(count: 2), FloatBuffer(count: 2))
        var parameters = VersionedParameters(initial: first, other: second)
        first.pointer[0] = 1
        let average = FloatBuffer(count: 2)
        average.pointer[0] = 5
        for step in 0..<4 as Range<UInt64> {
            let replaced = parameters.replaced(by: average)
            #expect(replaced.current.pointer[0] == 5)
            #expect(replaced[replaced.version].pointer == parameters.next.pointer)
            #expect(replaced.version != step && replaced.version != step + 1)
            #expect(parameters.version == step && parameters.current.pointer[0] == Float(step + 1))
            parameters.next.pointer[0] = Float(step + 2)
            parameters.advance()
        }
    }
}
