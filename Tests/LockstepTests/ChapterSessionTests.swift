import Foundation
import Lockstep
import Testing

/// Whether MNIST is in the cache.
private let isCached = (try? Dataset.mnist()) != nil

@Suite("The chapter's session")
struct ChapterSessionTests {
    init() throws {
        try Kernel.portable.select()
    }

    @Test(
        "builds, loads, trains and evaluates in five lines, as README shows it",
        .enabled(if: isCached, "MNIST is not in the cache: run scripts/fetch-data"))
    func session() throws {
        let digits = try Dataset.mnist()
        var network = try Network([784, 30, 10])
        let epochs = try network.train(on: digits, epochs: 1, batch: 10, learningRate: 3.0) { print($0) }
        let score = try network.evaluate(on: digits)

        #expect(score.total == 10_000)
        #expect(score.correct > 8_500)
        #expect(epochs.count == 1)
        #expect(epochs[0].test == score)
        #expect(epochs[0].validation?.total == 10_000)
        #expect("\(epochs[0])" == "Epoch 0: \(score.correct) / 10000")

        let (pixels, _) = try digits.sample(0, of: .test)
        let outputs = try network.outputs(for: pixels)
        let answer = try network.predict(pixels)
        #expect(answer.confidence == outputs.max())
        #expect(outputs[answer.label] == answer.confidence)

        try checkFourBits(of: network, on: digits)
    }

    /// The exercise's extra layer: if the outputs are as clear as the exercise assumes, its bits are the digit's.
    private func checkFourBits(of network: Network, on digits: Dataset) throws {
        var clear = 0
        for index in 0..<500 {
            let outputs = try network.outputs(for: digits.sample(index, of: .test).input)
            guard outputs.count(where: { $0 >= 0.9 }) == 1, outputs.count(where: { $0 <= 0.08 }) == 9 else { continue }
            clear += 1
            let digit = try #require(outputs.firstIndex { $0 >= 0.9 })
            #expect(BinaryDigitEncoder.bits(of: outputs) == (0..<4).map { (digit >> $0) & 1 })
        }
        #expect(clear > 100)
    }

    @Test("the extra layer finds the bits of all ten digits at the exercise's limits")
    func fourBitsAtTheLimits() {
        for (digit, wrong) in (0..<10).flatMap({ [($0, Float(0.01)), ($0, 0)] }) {
            var outputs = [Float](repeating: wrong, count: 10)
            outputs[digit] = 0.99
            #expect(BinaryDigitEncoder.bits(of: outputs) == (0..<4).map { (digit >> $0) & 1 })
        }
    }
}
