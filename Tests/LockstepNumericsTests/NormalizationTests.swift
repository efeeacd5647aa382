import LockstepNumerics
import Testing

private let rows = 3

/// Shapes, with numbers of groups that divide the channels.
private let cases: [(shape: (Int, Int, Int), groups: Int)] = [
    ((1, 5, 4), 1), ((6, 4, 4), 2), ((8, 3, 5), 8), ((20, 3, 3), 4), ((33, 2, 3), 3), ((40, 1, 1), 5), ((16, 4, 2), 1),
]

/// Normalisation in double, with plain loops: a function of the elements of one sample in plain order.
private struct Reference {
    /// Elements of a sample.
    let count: Int
    /// The set of elements with which an element is normalised, and the parameters that it has.
    let group: (Int) -> Int
    let parameter: (Int) -> Int

    func outputs(_ x: [Double], _ weights: [Double], _ biases: [Double]) -> [Double] {
        let groups = (0..<count).map(group)
        var outputs = x
        for number in Set(groups) {
            let members = (0..<count).filter { groups[$0] == number }
            let mean = members.reduce(0) { $0 + x[$1] } / Double(members.count)
            let variance = members.reduce(0) { $0 + (x[$1] - mean) * (x[$1] - mean) } / Double(members.count)
            let scale = 1 / (variance + 1e-5).squareRoot()
            for i in members { outputs[i] = (x[i] - mean) * scale * weights[parameter(i)] + biases[parameter(i)] }
        }
        return outputs
    }
}

/// One of the two normalisations, on one shape.
private struct Normalization {
    let images: TestImages
    /// Nil for layer normalisation.
    let groups: Int?

    var parameters: Int {
        let shape = images.shape
        return groups == nil ? shape.channels * shape.height * shape.width : shape.channels
    }

    var reference: Reference {
        let shape = images.shape
        let size = shape.height * shape.width
        guard let groups else { return Reference(count: parameters, group: { _ in 0 }, parameter: { $0 }) }
        return Reference(
            count: shape.channels * size, group: { $0 / size / (shape.channels / groups) }, parameter: { $0 / size })
    }

    func forward(
        _ plain: [Float], _ weights: [Float], _ biases: [Float], statistics: inout [Double]
    ) -> [Float] {
        var outputs = [Float](repeating: .nan, count: images.blockedCount)
        statistics = [Double](repeating: .nan, count: images.rows * (groups.map { 4 * $0 } ?? 2))
        if let groups {
            groupNorm(
                images.blocked(plain), images.shape, rows: images.rows, groups: groups, weights: weights,
                biases: biases,
                statistics: &statistics, into: &outputs)
        } else {
            layerNorm(
                images.blocked(plain), images.shape, rows: images.rows, weights: weights, biases: biases,
                statistics: &statistics, into: &outputs)
        }
        return outputs
    }

    struct Gradients: Equatable {
        var weights: [Float]
        var biases: [Float]
        var errors: [Float]
    }

    /// The gradients, added to `start` if it is given.
    func backward(
        _ outputErrors: [Float], _ plain: [Float], _ weights: [Float], statistics: [Double],
        start: (weights: [Float], biases: [Float])? = nil, inPlace: Bool = false
    ) -> Gradients {
        var statistics = statistics
        var errors = images.blocked(outputErrors)
        let outputErrors = inPlace ? [] : errors
        var weightGradient = start?.weights ?? [Float](repeating: .nan, count: parameters)
        var biasGradient = start?.biases ?? [Float](repeating: .nan, count: parameters)
        if !inPlace { errors = [Float](repeating: .nan, count: errors.count) }
        errors.withUnsafeMutableBufferPointer { errors in
            outputErrors.withUnsafeBufferPointer { separate in
                guard let target = errors.baseAddress else { return }
                let source = inPlace ? UnsafePointer(target) : separate.baseAddress ?? UnsafePointer(target)
                if let groups {
                    groupNormErrors(
                        source, images: images.blocked(plain), images.shape, rows: images.rows, groups: groups,
                        weights: weights, statistics: &statistics, accumulating: start != nil,
                        weightGradient: &weightGradient, biasGradient: &biasGradient, into: target)
                } else {
                    layerNormErrors(
                        source, images: images.blocked(plain), images.shape, rows: images.rows, weights: weights,
                        statistics: statistics, accumulating: start != nil, weightGradient: &weightGradient,
                        biasGradient: &biasGradient, into: target)
                }
            }
        }
        return Gradients(weights: weightGradient, biases: biasGradient, errors: errors)
    }
}

@Suite("Normalisation")
struct NormalizationTests {
    private func normalizations(_ shape: (Int, Int, Int), groups: Int, lanes: Int) -> [Normalization] {
        let images = TestImages(
            shape: ImageShape(channels: shape.0, height: shape.1, width: shape.2, lanes: lanes), rows: rows)
        return [Normalization(images: images, groups: groups), Normalization(images: images, groups: nil)]
    }

    @Test("agrees with plain loops in double", arguments: cases, [1, 8, 16])
    func forward(example: (shape: (Int, Int, Int), groups: Int), lanes: Int) {
        for normalization in normalizations(example.shape, groups: example.groups, lanes: lanes) {
            let images = normalization.images
            // A mean far from 0, beside which the variance is small.
            let plain = images.random(1).map { 5 + $0 / 2 }
            let weights = randomValues(normalization.parameters, seed: 2)
            let biases = randomValues(normalization.parameters, seed: 3)
            var statistics: [Double] = []
            let outputs = normalization.forward(plain, weights, biases, statistics: &statistics)
            let reference = normalization.reference
            let expected = (0..<rows).flatMap { row in
                reference.outputs(
                    plain[row * reference.count..<(row + 1) * reference.count].map(Double.init),
                    weights.map(Double.init),
                    biases.map(Double.init))
            }
            #expect(largestDifference(images.plain(outputs), expected) < 2e-5)
            #expect(images.unusedLanesAreZero(outputs))
        }
    }

    @Test("the errors and gradients agree with central differences", arguments: cases, [1, 8, 16])
    func backward(example: (shape: (Int, Int, Int), groups: Int), lanes: Int) {
        for normalization in normalizations(example.shape, groups: example.groups, lanes: lanes) {
            let images = normalization.images
            let plain = images.random(4)
            let weights = randomValues(normalization.parameters, seed: 5)
            let biases = randomValues(normalization.parameters, seed: 6)
            let outputErrors = images.random(7)
            var statistics: [Double] = []
            _ = normalization.forward(plain, weights, biases, statistics: &statistics)
            let found = normalization.backward(outputErrors, plain, weights, statistics: statistics)

            // The loss is the sum of each output times its error.
            let reference = normalization.reference
            func loss(_ row: Int, _ x: [Double], _ weights: [Double], _ biases: [Double]) -> Double {
                let outputs = reference.outputs(x, weights, biases)
                return outputs.indices.reduce(0) { $0 + outputs[$1] * Double(outputErrors[row * reference.count + $1]) }
            }
            func slope(_ values: [Double], _ index: Int, _ loss: ([Double]) -> Double) -> Double {
                var (left, right) = (values, values)
                left[index] -= 1e-4
                right[index] += 1e-4
                return (loss(right) - loss(left)) / 2e-4
            }
            let (w, b) = (weights.map(Double.init), biases.map(Double.init))
            var errors: [Double] = []
            var weightGradient = [Double](repeating: 0, count: w.count)
            var biasGradient = [Double](repeating: 0, count: b.count)
            for row in 0..<rows {
                let x = plain[row * reference.count..<(row + 1) * reference.count].map(Double.init)
                // A few parameters and elements of the large shapes.
                for i in x.indices {
                    errors.append(i % 7 < 3 ? slope(x, i) { loss(row, $0, w, b) } : .nan)
                }
                for i in w.indices where i % 5 < 2 {
                    weightGradient[i] += slope(w, i) { loss(row, x, $0, b) }
                    biasGradient[i] += slope(b, i) { loss(row, x, w, $0) }
                }
            }
            let checked = errors.indices.filter { !errors[$0].isNaN }
            let plainErrors = images.plain(found.errors)
            #expect(largestDifference(checked.map { plainErrors[$0] }, checked.map { errors[$0] }) < 1e-4)
            let parameters = w.indices.filter { $0 % 5 < 2 }
            #expect(
                largestDifference(parameters.map { found.weights[$0] }, parameters.map { weightGradient[$0] }) < 1e-4)
            #expect(largestDifference(parameters.map { found.biases[$0] }, parameters.map { biasGradient[$0] }) < 1e-4)
            #expect(images.unusedLanesAreZero(found.errors))
        }
    }

    @Test(
        "gradients are added to the content, if told to; the errors may replace those of the outputs", arguments: cases)
    func accumulation(example: (shape: (Int, Int, Int), groups: Int)) {
        for normalization in [1, 8, 16].flatMap({ normalizations(example.shape, groups: example.groups, lanes: $0) }) {
            let images = normalization.images
            let (plain, outputErrors) = (images.random(8), images.random(9))
            let weights = randomValues(normalization.parameters, seed: 10)
            var statistics: [Double] = []
            _ = normalization.forward(plain, weights, weights, statistics: &statistics)
            let first = normalization.backward(outputErrors, plain, weights, statistics: statistics)
            let zeros = [Float](repeating: 0, count: weights.count)
            let added = normalization.backward(
                outputErrors, plain, weights, statistics: statistics, start: (zeros, zeros), inPlace: true)
            #expect(added == first)
            let start = randomValues(normalization.parameters, seed: 11)
            let sum = normalization.backward(
                outputErrors, plain, weights, statistics: statistics, start: (start, start))
            #expect(largestDifference(sum.weights, zip(start, first.weights).map { Double($0) + Double($1) }) < 1e-5)
            #expect(largestDifference(sum.biases, zip(start, first.biases).map { Double($0) + Double($1) }) < 1e-5)
        }
    }

    @Test("a sample's result does not depend on the others", arguments: cases)
    func samples(example: (shape: (Int, Int, Int), groups: Int)) {
        for normalization in normalizations(example.shape, groups: example.groups, lanes: 8) {
            let plain = normalization.images.random(12)
            let weights = randomValues(normalization.parameters, seed: 13)
            var statistics: [Double] = []
            let all = normalization.forward(plain, weights, weights, statistics: &statistics)
            let one = Normalization(
                images: TestImages(shape: normalization.images.shape, rows: 1), groups: normalization.groups)
            let last = one.forward(
                Array(plain.suffix(one.images.plainCount)), weights, weights, statistics: &statistics)
            #expect(Array(all.suffix(last.count)) == last)
        }
    }

    @Test("elements that are all equal become the biases", arguments: [1, 8, 16])
    func constant(lanes: Int) {
        for normalization in normalizations((20, 3, 3), groups: 4, lanes: lanes) {
            let biases = randomValues(normalization.parameters, seed: 14)
            let weights = randomValues(normalization.parameters, seed: 15)
            var statistics: [Double] = []
            let outputs = normalization.forward(
                [Float](repeating: 7, count: normalization.images.plainCount), weights, biases, statistics: &statistics)
            let size = normalization.groups == nil ? 1 : 9
            let expected = (0..<normalization.images.plainCount).map { biases[$0 / size % biases.count] }
            #expect(normalization.images.plain(outputs) == expected)
        }
    }
}
