/// The brightness that the paper of a photograph has at each pixel: a quadratic surface, which follows uneven light.
///
/// The surface is fitted to the picture's own pixels by iteratively reweighted least squares with Tukey's biweight (P. J.
/// Huber, "Robust Statistics"): pixels far from the surface, such as ink, lose their weight. The distance that counts as far
/// shrinks from a large part of the picture's range to a few times the noise, so that the first estimate need not be good.
struct PaperSurface {
    /// The largest number of pixels that the surface is fitted to.
    private static let sampleLimit = 4_096
    /// The share of pixels of one brightness from which the paper may be uniform.
    private static let uniformShare = 0.35

    /// The coefficients of 1, x, y, x², xy and y²; x and y run from -1 to 1.
    private let coefficients: [Double]
    /// The standard deviation of the paper's brightness around the surface; 0 on uniform paper.
    let noise: Float
    /// Whether the paper has one brightness, without light and noise: a drawing or an image of MNIST, no photograph.
    let isUniform: Bool

    init(_ image: BrightnessMap) {
        let start = Self.usualBrightness(of: image)
        guard !Self.isUniform(image, start) else {
            coefficients = [Double(start), 0, 0, 0, 0, 0]
            noise = 0
            isUniform = true
            return
        }
        let samples = Self.samples(of: image)
        let values = samples.map(\.value).sorted()
        let range = max(1, values[values.count * 99 / 100] - values[values.count / 100])
        var surface = [Double(start), 0, 0, 0, 0, 0]
        var limit = 0.4 * range
        var deviation = limit
        for _ in 0..<12 {
            let residuals = samples.map { $0.value - Self.value(surface, $0.x, $0.y) }
            let near = residuals.lazy.map(abs).filter { $0 < limit }.sorted()
            guard !near.isEmpty else { break }
            deviation = max(0.5, 1.4826 * near[near.count / 2])
            limit = max(min(limit, 4 * deviation), 3)
            guard let next = Self.fit(samples, residuals: residuals, limit: limit) else { break }
            surface = next
        }
        coefficients = surface
        noise = Float(deviation)
        isUniform = false
    }

    /// The paper's brightnesses of a row of pixels, 0...255.
    func row(_ y: Int, of image: BrightnessMap) -> [Float] {
        let place = Self.position(y, of: image.height)
        return (0..<image.width).map { x in
            Float(min(255, max(0, Self.value(coefficients, Self.position(x, of: image.width), place))))
        }
    }

    /// The brightness from which the fit starts: the brightness of most pixels, or of the edge.
    ///
    /// In a tight crop of a bold digit most pixels may be ink, but most of the edge is paper; in a photograph of a sheet on a
    /// table the edge is the table. Where the two differ, most pixels decide if they are a clear majority.
    private static func usualBrightness(of image: BrightnessMap) -> Int {
        let middle = median(histogram(image.brightness))
        var edge: [UInt8] = []
        for x in 0..<image.width { edge += [image[x, 0], image[x, image.height - 1]] }
        for y in 0..<image.height { edge += [image[0, y], image[image.width - 1, y]] }
        let border = median(histogram(edge))
        let counts = histogram(image.brightness)
        let near = counts.indices.reduce(0) { abs($1 - middle) < abs($1 - border) ? $0 + counts[$1] : $0 }
        let start = Double(near) > 0.65 * Double(image.brightness.count) ? middle : border
        // The commonest brightness nearby: a part of the paper may be lighter by 1.
        return (max(0, start - 2)...min(255, start + 2)).max { (counts[$0], $1) < (counts[$1], $0) } ?? start
    }

    /// Whether a large share of the pixels has exactly this brightness, and few others are near it.
    private static func isUniform(_ image: BrightnessMap, _ value: Int) -> Bool {
        let counts = histogram(image.brightness)
        let near = counts[max(0, value - 20)...min(255, value + 20)].reduce(0, +) - counts[value]
        return Double(counts[value]) >= uniformShare * Double(image.brightness.count) && near * 4 <= counts[value]
    }

    private static func histogram(_ values: [UInt8]) -> [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for value in values { counts[Int(value)] += 1 }
        return counts
    }

    private static func median(_ counts: [Int]) -> Int {
        let total = counts.reduce(0, +)
        var seen = 0
        for (value, count) in counts.enumerated() {
            seen += count
            if seen * 2 > total { return value }
        }
        return 0
    }
}

// MARK: - The fit

extension PaperSurface {
    private struct Sample {
        let x: Double
        let y: Double
        let value: Double
    }

    private static func samples(of image: BrightnessMap) -> [Sample] {
        var step = 1
        while (image.width / step + 1) * (image.height / step + 1) > sampleLimit { step += 1 }
        var samples: [Sample] = []
        for y in stride(from: step / 2, to: image.height, by: step) {
            for x in stride(from: step / 2, to: image.width, by: step) {
                samples.append(
                    Sample(
                        x: position(x, of: image.width), y: position(y, of: image.height), value: Double(image[x, y])))
            }
        }
        return samples.isEmpty ? [Sample(x: 0, y: 0, value: Double(image[0, 0]))] : samples
    }

    /// A pixel's place, from -1 to 1.
    private static func position(_ index: Int, of count: Int) -> Double {
        count < 2 ? 0 : 2 * Double(index) / Double(count - 1) - 1
    }

    private static func value(_ surface: [Double], _ x: Double, _ y: Double) -> Double {
        surface[0] + surface[1] * x + surface[2] * y + surface[3] * x * x + surface[4] * x * y + surface[5] * y * y
    }

    /// The surface of least weighted squares; nil if the pixels with a weight do not determine one.
    private static func fit(_ samples: [Sample], residuals: [Double], limit: Double) -> [Double]? {
        var system = [[Double]](repeating: [Double](repeating: 0, count: 7), count: 6)
        for (sample, residual) in zip(samples, residuals) where abs(residual) < limit {
            let ratio = residual / limit
            let weight = (1 - ratio * ratio) * (1 - ratio * ratio)
            let terms = [1, sample.x, sample.y, sample.x * sample.x, sample.x * sample.y, sample.y * sample.y]
            for row in 0..<6 {
                for column in 0..<6 { system[row][column] += weight * terms[row] * terms[column] }
                system[row][6] += weight * terms[row] * sample.value
            }
        }
        // A little resistance to slopes keeps the system solvable for pictures of one row.
        for term in 1..<6 { system[term][term] += 1e-4 * Double(samples.count) }
        return solve(system)
    }

    /// Solves a system of six linear equations by elimination with pivots.
    private static func solve(_ system: [[Double]]) -> [Double]? {
        var system = system
        for column in 0..<6 {
            guard let pivot = (column..<6).max(by: { abs(system[$0][column]) < abs(system[$1][column]) }),
                abs(system[pivot][column]) > 1e-9
            else { return nil }
            system.swapAt(column, pivot)
            for row in 0..<6 where row != column {
                let factor = system[row][column] / system[column][column]
                for term in column..<7 { system[row][term] -= factor * system[column][term] }
            }
        }
        return (0..<6).map { system[$0][6] / system[$0][$0] }
    }
}
