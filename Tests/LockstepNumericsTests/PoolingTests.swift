import LockstepNumerics
import Testing

private let shapes = [(1, 4, 4), (3, 6, 7), (8, 5, 5), (20, 9, 4), (17, 1, 1), (33, 2, 8)]

private let windows = [
    PoolWindow(height: 2, width: 2), PoolWindow(height: 3, width: 3, strideRows: 2, strideColumns: 2),
    PoolWindow(
        height: 3, width: 3, strideRows: 1, strideColumns: 1, paddingTop: 1, paddingLeft: 1, paddingBottom: 1,
        paddingRight: 1),
    PoolWindow(height: 2, width: 3, strideRows: 3, strideColumns: 1, paddingTop: 0, paddingLeft: 2, paddingRight: 1),
    PoolWindow(height: 1, width: 1, strideRows: 2, strideColumns: 3),
]

/// Shapes and windows that fit them.
private let cases: [(shape: (Int, Int, Int), window: PoolWindow)] = shapes.flatMap { shape in
    windows.filter { $0.fits(ImageShape(channels: 1, height: shape.1, width: shape.2)) }.map { (shape, $0) }
}

private let rows = 3

@Suite("Pooling")
struct PoolingTests {
    /// The positions y · width + x of each window's elements; the windows row by row.
    private func positions(_ window: PoolWindow, _ shape: ImageShape) -> [[Int]] {
        let outputs = window.outputs(of: shape)
        return (0..<outputs.height * outputs.width).map { output in
            let top = output / outputs.width * window.strideRows - window.paddingTop
            let left = output % outputs.width * window.strideColumns - window.paddingLeft
            var positions: [Int] = []
            for y in top..<top + window.height where y >= 0 && y < shape.height {
                for x in left..<left + window.width where x >= 0 && x < shape.width {
                    positions.append(y * shape.width + x)
                }
            }
            return positions
        }
    }

    private func images(_ shape: (Int, Int, Int), lanes: Int) -> TestImages {
        TestImages(
            shape: ImageShape(channels: shape.0, height: shape.1, width: shape.2, lanes: lanes), rows: rows)
    }

    @Test("max pooling finds the largest element of each window, and where it lies", arguments: cases, [1, 8, 16])
    func maximum(example: (shape: (Int, Int, Int), window: PoolWindow), lanes: Int) {
        let images = images(example.shape, lanes: lanes)
        let outputs = TestImages(shape: example.window.outputs(of: images.shape), rows: rows)
        let plain = images.random(1)
        var found = [Float](repeating: .nan, count: outputs.blockedCount)
        var winners = [Int32](repeating: -1, count: outputs.blockedCount)
        maxPool(images.blocked(plain), images.shape, example.window, rows: rows, into: &found, winners: &winners)

        let size = images.shape.height * images.shape.width
        let positions = positions(example.window, images.shape)
        var expected: [Float] = []
        var expectedWinners: [Int32] = []
        for plane in 0..<rows * images.shape.channels {
            for window in positions {
                let largest = window.map { plain[plane * size + $0] }.max() ?? 0
                expected.append(largest)
                expectedWinners.append(Int32(window.first { plain[plane * size + $0] == largest } ?? -1))
            }
        }
        #expect(outputs.plain(found) == expected)
        #expect(outputs.indices.map { winners[$0] } == expectedWinners)
        #expect(outputs.unusedLanesAreZero(found))
    }

    @Test("the errors of max pooling go to the winners, in the windows' order", arguments: cases, [1, 8, 16])
    func maximumErrors(example: (shape: (Int, Int, Int), window: PoolWindow), lanes: Int) {
        let images = images(example.shape, lanes: lanes)
        let outputs = TestImages(shape: example.window.outputs(of: images.shape), rows: rows)
        // Few different values, so that windows have ties.
        let plain = images.random(2).map { $0.rounded() }
        var found = [Float](repeating: .nan, count: outputs.blockedCount)
        var winners = [Int32](repeating: -1, count: outputs.blockedCount)
        maxPool(images.blocked(plain), images.shape, example.window, rows: rows, into: &found, winners: &winners)
        let outputErrors = outputs.random(3)
        var errors = [Float](repeating: .nan, count: images.blockedCount)
        maxPoolErrors(
            outputs.blocked(outputErrors), winners: winners, images.shape, example.window, rows: rows, into: &errors)

        let size = images.shape.height * images.shape.width
        let positions = positions(example.window, images.shape)
        var expected = [Float](repeating: 0, count: plain.count)
        for plane in 0..<rows * images.shape.channels {
            for (number, window) in positions.enumerated() {
                let largest = window.map { plain[plane * size + $0] }.max() ?? 0
                let winner = window.first { plain[plane * size + $0] == largest } ?? 0
                expected[plane * size + winner] += outputErrors[plane * positions.count + number]
            }
        }
        #expect(images.plain(errors) == expected)
        #expect(images.unusedLanesAreZero(errors))
    }

    @Test("the last NaN of a window wins, and the first of equal elements, infinities included", arguments: [1, 8, 16])
    func notANumber(lanes: Int) {
        let shape = ImageShape(channels: 1, height: 2, width: 2, lanes: lanes)
        let window = PoolWindow(height: 2, width: 2)
        for (values, value, winner) in [
            ([1, 5, 5, 2], 5, 1), ([3, .nan, 7, 1], .nan, 1), ([.nan, 1, .nan, 2], .nan, 2),
            ([-.infinity, -.infinity, -.infinity, -.infinity], -.infinity, 0),
            ([1, .infinity, .nan, .infinity], .nan, 2),
            ([0, -0.0, 0, 0], 0, 0), ([-0.0, 0, 0, 0], 0, 0),
        ] as [([Float], Float, Int32)] {
            let images = TestImages(shape: shape, rows: 1)
            var (found, winners) = ([Float](repeating: 0, count: lanes), [Int32](repeating: -1, count: lanes))
            maxPool(images.blocked(values), shape, window, rows: 1, into: &found, winners: &winners)
            #expect(found[0] == value || found[0].isNaN && value.isNaN, "\(values)")
            #expect(winners[0] == winner, "\(values)")
        }
    }

    @Test("average pooling divides by the window's area, padding included", arguments: cases, [1, 8, 16])
    func average(example: (shape: (Int, Int, Int), window: PoolWindow), lanes: Int) {
        let images = images(example.shape, lanes: lanes)
        let outputs = TestImages(shape: example.window.outputs(of: images.shape), rows: rows)
        let plain = images.random(4)
        var found = [Float](repeating: .nan, count: outputs.blockedCount)
        averagePool(images.blocked(plain), images.shape, example.window, rows: rows, into: &found)
        let size = images.shape.height * images.shape.width
        let positions = positions(example.window, images.shape)
        let area = Float(example.window.height * example.window.width)
        let expected = (0..<rows * images.shape.channels).flatMap { plane in
            positions.map { window in window.reduce(Float(0)) { $0 + plain[plane * size + $1] } / area }
        }
        #expect(outputs.plain(found) == expected)
        #expect(outputs.unusedLanesAreZero(found))

        let outputErrors = outputs.random(5)
        var errors = [Float](repeating: .nan, count: images.blockedCount)
        averagePoolErrors(outputs.blocked(outputErrors), images.shape, example.window, rows: rows, into: &errors)
        var expectedErrors = [Float](repeating: 0, count: plain.count)
        for plane in 0..<rows * images.shape.channels {
            for (number, window) in positions.enumerated() {
                let share = outputErrors[plane * positions.count + number] / area
                for position in window { expectedErrors[plane * size + position] += share }
            }
        }
        #expect(images.plain(errors) == expectedErrors)
        #expect(images.unusedLanesAreZero(errors))
    }

    @Test("global average pooling gives each channel's mean, rounded once", arguments: shapes, [1, 8, 16])
    func globalAverage(shape: (Int, Int, Int), lanes: Int) {
        let images = images(shape, lanes: lanes)
        let plain = images.random(6)
        let size = shape.1 * shape.2
        var means = [Float](repeating: .nan, count: rows * shape.0 + 1)
        globalAveragePool(images.blocked(plain), images.shape, rows: rows, into: &means)
        let expected = (0..<rows * shape.0).map { plane in
            Float((0..<size).reduce(0.0) { $0 + Double(plain[plane * size + $1]) } / Double(size))
        }
        #expect(Array(means.dropLast()) == expected)
        #expect(means[rows * shape.0].isNaN)

        let meanErrors = randomValues(rows * shape.0, seed: 7)
        var errors = [Float](repeating: .nan, count: images.blockedCount)
        globalAveragePoolErrors(meanErrors, images.shape, rows: rows, into: &errors)
        #expect(images.plain(errors) == (0..<plain.count).map { meanErrors[$0 / size] / Float(size) })
        #expect(images.unusedLanesAreZero(errors))
    }

    @Test("only whole windows count")
    func outputShape() {
        let shape = ImageShape(channels: 3, height: 28, width: 5, lanes: 8)
        #expect(
            PoolWindow(height: 2, width: 2).outputs(of: shape)
                == ImageShape(channels: 3, height: 14, width: 2, lanes: 8))
        let padded = PoolWindow(
            height: 3, width: 3, strideRows: 2, strideColumns: 2, paddingTop: 1, paddingLeft: 1, paddingBottom: 1,
            paddingRight: 1)
        #expect(padded.outputs(of: shape) == ImageShape(channels: 3, height: 14, width: 3, lanes: 8))
    }

    @Test(
        "a window that is larger than the images, or lies in the padding, does not fit",
        arguments: [
            PoolWindow(height: 5, width: 1), PoolWindow(height: 2, width: 2, paddingTop: 2),
            PoolWindow(height: 2, width: 2, paddingRight: -1), PoolWindow(height: 0, width: 1),
            PoolWindow(height: 2, width: 2, strideRows: 0), PoolWindow(height: .max, width: .max, paddingTop: .max - 1),
        ])
    func misfit(window: PoolWindow) {
        #expect(!window.fits(ImageShape(channels: 1, height: 4, width: 4)))
    }
}
