/// A cut through ink from the top of an image to its bottom: a column for each row, from row to row at most one column apart.
///
/// Where digits touch, the cut that crosses the least ink is found by dynamic programming (S. Avidan and A. Shamir, "Seam carving
/// for content-aware image resizing", 2007). It follows the paper between slanted digits, where a straight cut would take a corner
/// off each.
struct InkSeam {
    /// What each step to the side costs, in the ink of one pixel.
    private static let costOfStep: Float = 0.05
    /// What each pixel away from the middle costs.
    private static let costOfDistance: Float = 0.01

    /// The first column behind the cut, for each row.
    let columns: [Int]
    /// The ink of the pixels along the cut.
    let crossedInk: Float
    /// The mean of the columns.
    let middle: Int

    /// Finds the cut of least cost near a column.
    ///
    /// - Parameters:
    ///   - image: The ink of what is cut; 0 elsewhere.
    ///   - column: The middle of the columns that the cut may go through.
    ///   - reach: Their number on each side.
    init(in image: GrayImage, near column: Int, reach: Int) {
        let first = max(0, column - reach)
        let count = min(image.width - 1, column + reach) - first + 1
        func cost(_ offset: Int, _ y: Int) -> Float {
            image[first + offset, y] + Self.costOfDistance * Float(abs(first + offset - column))
        }
        var costs = (0..<count).map { cost($0, 0) }
        var steps = [Int8](repeating: 0, count: count * image.height)
        for y in 1..<max(1, image.height) {
            var next = costs
            for offset in 0..<count {
                var (best, step) = (costs[offset], 0)
                if offset > 0, costs[offset - 1] + Self.costOfStep < best {
                    (best, step) = (costs[offset - 1] + Self.costOfStep, -1)
                }
                if offset + 1 < count, costs[offset + 1] + Self.costOfStep < best {
                    (best, step) = (costs[offset + 1] + Self.costOfStep, 1)
                }
                next[offset] = best + cost(offset, y)
                steps[y * count + offset] = Int8(step)
            }
            costs = next
        }
        var offset = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        var columns = [Int](repeating: 0, count: image.height)
        var ink: Float = 0
        for y in (0..<image.height).reversed() {
            columns[y] = first + offset
            ink += image[first + offset, y]
            offset += Int(steps[y * count + offset])
        }
        self.columns = columns
        crossedInk = ink
        middle = columns.reduce(0, +) / max(1, columns.count)
    }

    /// A straight cut along paper.
    init(column: Int, height: Int) {
        self.init(columns: [Int](repeating: column, count: height), crossedInk: 0, middle: column)
    }

    private init(columns: [Int], crossedInk: Float, middle: Int) {
        self.columns = columns
        self.crossedInk = crossedInk
        self.middle = middle
    }

    /// The same cut, further to the right.
    func moved(by distance: Int) -> InkSeam {
        InkSeam(columns: columns.map { $0 + distance }, crossedInk: crossedInk, middle: middle + distance)
    }
}
