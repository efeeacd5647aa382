import Foundation
import Lockstep
import LockstepTesting
import Testing

/// Whether MNIST is in the cache.
private let isCached = (try? Dataset.mnist()) != nil
/// A model to measure rows with; the digits of a good one are needed for the figures of the documentation.
private let bestModel = ProcessInfo.processInfo.environment["LOCKSTEP_BEST_MODEL"]

/// Rows of digits of MNIST's test split, side by side.
private struct RowComposer {
    let digits: Dataset
    var random: SplitMix64

    /// A row with this many columns of paper between the ink of neighbours; the digits' heights vary a little.
    mutating func row(_ count: Int, gaps: ClosedRange<Int>) throws -> (
        picture: Image, labels: [Int], digits: [[Float]]
    ) {
        let height = 40
        var ink = [Float](repeating: 0, count: 0)
        var columns: [[Float]] = Array(repeating: Array(repeating: 0, count: height), count: 6)
        var (labels, inputs): ([Int], [[Float]]) = ([], [])
        for position in 0..<count {
            let (input, label) = digits.sample(
                Int.random(in: 0..<digits.count(of: .test), using: &random), of: .test)
            labels.append(label)
            inputs.append(input)
            let used = (0..<28).filter { x in (0..<28).contains { y in input[y * 28 + x] > 0.1 } }
            guard let left = used.first, let right = used.last else { continue }
            let top = Int.random(in: 4...8, using: &random)
            let gap = position == 0 ? 0 : Int.random(in: gaps, using: &random)
            if gap > 0 { columns += Array(repeating: Array(repeating: 0, count: height), count: gap) }
            let start = columns.count + min(0, gap)
            for x in left...right {
                let place = start + x - left
                if place == columns.count { columns.append(Array(repeating: 0, count: height)) }
                for y in 0..<28 { columns[place][top + y] = max(columns[place][top + y], input[y * 28 + x]) }
            }
        }
        columns += Array(repeating: Array(repeating: 0, count: height), count: 6)
        for y in 0..<height { ink += columns.map { $0[y] } }
        let picture = try Image(
            width: columns.count, height: height, brightness: ink.map { UInt8(($0 * 255).rounded()) })
        return (picture, labels, inputs)
    }
}

@Suite("Digits in a row", .enabled(if: isCached, "MNIST is not in the cache: run scripts/fetch-data"))
struct DigitReaderTests {
    let digits: Dataset

    init() throws {
        try Kernel.portable.select()
        digits = try Dataset.mnist()
    }

    @Test("with clear gaps are separated, and each is read as if alone")
    func clearGaps() throws {
        var network = try Network([784, 30, 10])
        try network.train(on: digits, epochs: 1, batch: 10, learningRate: 3)
        let reader = try DigitReader(network)
        var composer = RowComposer(digits: digits, random: SplitMix64(seed: 4))
        var (counts, equalDigits): ([Int], Int) = ([], 0)
        for _ in 0..<30 {
            let row = try composer.row(6, gaps: 4...14)
            let read = try reader.number(in: row.picture)
            counts.append(read.count)
            for (prediction, input) in zip(read, row.digits) {
                if prediction.label == (try network.predict(input).label) { equalDigits += 1 }
            }
        }
        // Cutting does not depend on a good network, except where a digit is torn on paper: one row of thirty.
        #expect(counts.count { $0 == 6 } >= 29, "\(counts)")
        #expect(equalDigits >= 30 * 6 * 9 / 10)
    }

    @Test("one digit is a row of one, and an empty sheet holds none")
    func single() throws {
        let reader = try DigitReader(try Network([784, 10]))
        var composer = RowComposer(digits: digits, random: SplitMix64(seed: 9))
        #expect(try reader.number(in: composer.row(1, gaps: 0...0).picture).count == 1)
        #expect(
            try reader.number(in: Image(width: 50, height: 20, brightness: Array(repeating: 255, count: 1000))) == [])
        #expect(throws: LockstepError.self) { try DigitReader(try Network([4, 10])) }
    }

    @Test(
        "a good model reads at least 95 of 100 rows of six with clear gaps",
        .enabled(if: bestModel != nil, "no model: set LOCKSTEP_BEST_MODEL to one that reads 99.2 % of the test split"))
    func goodModel() throws {
        let reader = try DigitReader(try Network(contentsOf: try #require(bestModel)))
        for (name, gaps) in [("clear gaps", 3...14), ("narrow gaps", 1...2), ("touching", -2...0)] {
            let seed = UInt64(11)
            var composer = RowComposer(digits: digits, random: SplitMix64(seed: seed))
            var (right, ofSix) = (0, 0)
            for _ in 0..<400 {
                let row = try composer.row(6, gaps: gaps)
                let read = try reader.number(in: row.picture)
                if read.count == 6 { ofSix += 1 }
                if read.map(\.label) == row.labels { right += 1 }
            }
            print("rows of six, \(name), seed \(seed): \(ofSix) of 400 cut into six, \(right) read right")
            if name == "clear gaps" { #expect(right >= 380) }
        }
    }
}
