import LockstepNumerics

/// Images in plain order, [rows, channels, height, width], and in blocks.
struct TestImages {
    let shape: ImageShape
    let rows: Int

    /// The floats of all images in plain order.
    var plainCount: Int { rows * shape.channels * shape.height * shape.width }
    var blockedCount: Int { rows * shape.count }

    /// Where each element of the plain order lies in blocks.
    var indices: [Int] {
        (0..<plainCount).map { element in
            let size = shape.height * shape.width
            let (channel, position) = (element / size % shape.channels, element % size)
            return element / size / shape.channels * shape.count
                + shape.index(channel: channel, y: position / shape.width, x: position % shape.width)
        }
    }

    /// Blocks of plain values; unused lanes are `junk`.
    func blocked(_ plain: [Float], junk: Float = 0.5) -> [Float] {
        var blocked = [Float](repeating: junk, count: blockedCount)
        for (element, index) in indices.enumerated() { blocked[index] = plain[element] }
        return blocked
    }

    func plain(_ blocked: [Float]) -> [Float] {
        indices.map { blocked[$0] }
    }

    /// Whether all lanes that no channel uses are zeros.
    func unusedLanesAreZero(_ blocked: [Float]) -> Bool {
        Set(blocked.indices).subtracting(indices).allSatisfy { blocked[$0] == 0 }
    }

    /// Values from a normal distribution.
    func random(_ seed: UInt64) -> [Float] {
        randomValues(plainCount, seed: seed)
    }
}

func randomValues(_ count: Int, seed: UInt64) -> [Float] {
    let random = Philox(seed: seed)
    return (0..<count).map { random.standardNormal(at: RandomPosition(.fingerprint, sample: UInt32($0))) }
}

func largestDifference(_ values: [Float], _ expected: [Double]) -> Double {
    guard values.count == expected.count else { return .infinity }
    return zip(values, expected).reduce(0) { largest, pair in
        let difference = abs(Double(pair.0) - pair.1)
        return difference.isNaN ? .infinity : max(largest, difference)
    }
}
