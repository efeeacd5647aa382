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
        picture: Image, labels: [Int], digits: [[Float]], brightness: [UInt8]
    ) {
        let height = 40
        var ink = [Float](repeating: 0, count: 0)
        var columns: [[Float]] = Array(repeating: Array(repeating: 0, count: height), count: 6)
        var (labels, inputs): ([Int], [[Float]]) = ([], [])
        for position in 0..<count {
            let (input, label) = try digits.sample(
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
        let brightness = ink.map { UInt8(($0 * 255).rounded()) }
        return (
            try Image(width: columns.count, height: height, brightness: brightness), labels, inputs, brightness
        )
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
        let empty = try Image(width: 50, height: 20, brightness: Array(repeating: 225, count: 1000))
        #expect(try reader.number(in: empty) == [])
        #expect(try reader.lines(in: empty) == [])
        #expect(!empty.hasInk)
        let error = #expect(throws: LockstepError.self) { try reader.digit(in: empty) }
        #expect(error?.kind == .data)
        #expect(throws: LockstepError.self) { try DigitReader(try Network([4, 10])) }
    }

    @Test("two lines are read as two lines")
    func twoLines() throws {
        var network = try Network([784, 30, 10])
        try network.train(on: digits, epochs: 1, batch: 10, learningRate: 3)
        let reader = try DigitReader(network)
        var composer = RowComposer(digits: digits, random: SplitMix64(seed: 4))
        let rows = [try composer.row(5, gaps: 4...9), try composer.row(3, gaps: 4...9)]
        let width = rows.map(\.picture.width).max() ?? 1
        var brightness: [UInt8] = []
        for row in rows {
            let margin = [UInt8](repeating: 0, count: width - row.picture.width)
            for y in 0..<row.picture.height {
                brightness += row.brightness[y * row.picture.width..<(y + 1) * row.picture.width] + margin
            }
        }
        let page = try Image(width: width, height: brightness.count / width, brightness: brightness)
        #expect(try reader.lines(in: page).map(\.count) == [5, 3])
        #expect(try reader.number(in: page).count == 8)
        #expect(try reader.lines(in: page)[0] == reader.number(in: rows[0].picture))
    }

    /// Paper and boards: the brightness of paper and of ink at a column of `width`.
    private static let sheets: [(name: String, paper: @Sendable (Int, Int) -> Double, ink: Double)] = [
        ("paper 255", { _, _ in 255 }, 20), ("paper 220", { _, _ in 220 }, 20), ("paper 180", { _, _ in 180 }, 20),
        ("paper 140", { _, _ in 140 }, 20), ("board 0", { _, _ in 0 }, 235), ("board 40", { _, _ in 40 }, 235),
        ("board 80", { _, _ in 80 }, 235),
        ("gradient 255 to 200", { x, width in 255 - 55 * Double(x) / Double(width - 1) }, 20),
    ]

    @Test("at least nine of ten digits read on white paper are read on each paper and board", arguments: [1, 3])
    func papers(scale: Int) throws {
        var network = try Network([784, 30, 10])
        try network.train(on: digits, epochs: 1, batch: 10, learningRate: 3)
        let reader = try DigitReader(try bestModel.map(Network.init(contentsOf:)) ?? network)
        var right: [String: Set<Int>] = [:]
        for (name, paper, ink) in Self.sheets {
            for index in 0..<100 {
                let (input, label) = try digits.sample(index, of: .test)
                let side = 28 * scale + 20
                let brightness = (0..<side * side).map { pixel -> UInt8 in
                    let (x, y) = ((pixel % side - 10 + scale) / scale - 1, (pixel / side - 10 + scale) / scale - 1)
                    let share = 0..<28 ~= x && 0..<28 ~= y ? Double(input[y * 28 + x]) : 0
                    let paper = paper(pixel % side, side)
                    return UInt8((paper + (ink - paper) * share).rounded())
                }
                let read = try reader.number(in: Image(width: side, height: side, brightness: brightness))
                if read.map(\.label) == [label] { right[name, default: []].insert(index) }
            }
        }
        let white = right["paper 255"] ?? []
        #expect(white.count >= 70)
        for (name, _, _) in Self.sheets {
            let both = white.intersection(right[name] ?? []).count
            print("\(name), scale \(scale): \(both) of the \(white.count) digits of 100 that are read on white")
            #expect(both * 10 >= white.count * 9, "\(name), scale \(scale)")
        }
    }

    @Test(
        "a good model reads at least 95 of 100 rows of six with clear gaps, and 70 of 100 that touch",
        .enabled(if: bestModel != nil, "no model: set LOCKSTEP_BEST_MODEL to one of config/mnist-conv.yaml"),
        arguments: [("clear gaps", 3...14, 95), ("narrow gaps", 1...2, 92), ("touching", -2...0, 70)])
    func goodModel(name: String, gaps: ClosedRange<Int>, least: Int) throws {
        let reader = try DigitReader(try Network(contentsOf: try #require(bestModel)))
        let seed = UInt64(31)
        var composer = RowComposer(digits: digits, random: SplitMix64(seed: seed))
        var (right, ofSix) = (0, 0)
        for _ in 0..<200 {
            let row = try composer.row(6, gaps: gaps)
            let read = try reader.number(in: row.picture)
            if read.count == 6 { ofSix += 1 }
            if read.map(\.label) == row.labels { right += 1 }
        }
        print("rows of six, \(name), seed \(seed): \(ofSix) of 200 cut into six, \(right) read right")
        #expect(right >= 2 * least)
    }
}
