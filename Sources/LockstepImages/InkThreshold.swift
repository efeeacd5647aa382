/// Separates ink from the paper's noise.
enum InkThreshold {
    /// Less contrast than this is no ink: the texture of paper, the trace of an eraser.
    private static let smallestContrast: Float = 0.08

    struct Ink {
        /// From 0, paper, to 1.
        var ink: GrayImage
        /// The contrast of full ink.
        let level: Float
    }

    /// The ink, from 0 to 1.
    ///
    /// On uniform paper every difference is ink, and its shades are those of the picture. On other paper a threshold by N. Otsu
    /// ("A threshold selection method from gray-level histograms", 1979) separates the ink's two shades, strokes and their soft
    /// edges; ink is what is connected with a pixel above the threshold by pixels above a lower one (hysteresis).
    ///
    /// - Parameters:
    ///   - contrast: The contrast of each pixel, from 0 to 1.
    ///   - noise: The standard deviation of the paper's contrast.
    ///   - isUniform: Whether the paper has no noise and no shades.
    /// - Returns: The ink; nil if there is none.
    static func ink(of contrast: GrayImage, noise: Float, isUniform: Bool) -> Ink? {
        guard !isUniform else {
            guard let darkest = contrast.ink.max(), darkest >= smallestContrast else { return nil }
            // Ink as dark as it can be keeps its shades exactly.
            return Ink(ink: darkest < 0.9 ? scaled(contrast, from: 0, to: darkest) : contrast, level: darkest)
        }
        let smooth = noise * 4 > smallestContrast ? contrast.blurred() : contrast
        let remaining = noise * 4 > smallestContrast ? noise / 3 : noise
        let floor = max(smallestContrast, 5 * remaining)
        guard let full = level(of: smooth, above: floor) else { return nil }
        let split = otsu(smooth, from: floor, to: full)
        let high = max(floor, min(max(split, 0.35 * full), 0.6 * full))
        let low = max(floor, 0.5 * high)
        let mask = connected(smooth, low: low, high: high)
        guard mask.contains(true) else { return nil }
        var ink = scaled(smooth, from: min(low, 2 * remaining), to: full)
        let near = grown(mask, contrast.width, contrast.height)
        for index in ink.ink.indices where !near[index] { ink.ink[index] = 0 }
        return Ink(ink: ink, level: full)
    }

    /// The contrast of full ink: the level that a tenth of the pixels above the floor exceed.
    private static func level(of contrast: GrayImage, above floor: Float) -> Float? {
        let values = contrast.ink.filter { $0 > floor }.sorted()
        return values.isEmpty ? nil : values[values.count * 9 / 10]
    }

    private static func scaled(_ contrast: GrayImage, from low: Float, to high: Float) -> GrayImage {
        var ink = contrast
        for index in ink.ink.indices { ink.ink[index] = max(0, min(1, (ink.ink[index] - low) / (high - low))) }
        return ink
    }

    /// The threshold between two classes of the contrasts from `floor` to `full`, whose means are furthest apart.
    private static func otsu(_ contrast: GrayImage, from floor: Float, to full: Float) -> Float {
        let bins = 64
        var counts = [Double](repeating: 0, count: bins)
        let width = max(full - floor, 1e-3) / Float(bins)
        for value in contrast.ink where value > floor { counts[min(bins - 1, Int((value - floor) / width))] += 1 }
        let total = counts.reduce(0, +)
        let sum = counts.indices.reduce(0) { $0 + Double($1) * counts[$1] }
        var (best, threshold) = (0.0, bins / 2)
        var (below, sumBelow) = (0.0, 0.0)
        for bin in 0..<bins - 1 {
            below += counts[bin]
            sumBelow += Double(bin) * counts[bin]
            guard below > 0, below < total else { continue }
            let distance = sumBelow / below - (sum - sumBelow) / (total - below)
            let spread = below * (total - below) * distance * distance
            if spread > best { (best, threshold) = (spread, bin + 1) }
        }
        return floor + width * Float(threshold)
    }

    /// The pixels above `low` that are connected with one above `high` by others above `low`.
    private static func connected(_ contrast: GrayImage, low: Float, high: Float) -> [Bool] {
        let (width, height) = (contrast.width, contrast.height)
        var mask = [Bool](repeating: false, count: contrast.ink.count)
        var waiting = contrast.ink.indices.filter { contrast.ink[$0] > high }
        for pixel in waiting { mask[pixel] = true }
        while let pixel = waiting.popLast() {
            let (x, y) = (pixel % width, pixel / width)
            for nearY in max(0, y - 1)...min(height - 1, y + 1) {
                for nearX in max(0, x - 1)...min(width - 1, x + 1) {
                    let near = nearY * width + nearX
                    if !mask[near], contrast.ink[near] > low {
                        mask[near] = true
                        waiting.append(near)
                    }
                }
            }
        }
        return mask
    }

    /// The pixels of a mask and their neighbours, in which the strokes' soft edges lie.
    private static func grown(_ mask: [Bool], _ width: Int, _ height: Int) -> [Bool] {
        var grown = mask
        for pixel in mask.indices where mask[pixel] {
            let (x, y) = (pixel % width, pixel / width)
            for nearY in max(0, y - 1)...min(height - 1, y + 1) {
                for nearX in max(0, x - 1)...min(width - 1, x + 1) { grown[nearY * width + nearX] = true }
            }
        }
        return grown
    }
}
