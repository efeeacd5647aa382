/// An image of several digits side by side, cut into parts: each part is a digit or a fragment of one.
///
/// Connected ink is one part, together with the ink above or below it. A part that is too wide for a digit may be several
/// digits that touch, so it is cut at columns with little ink; a reader may join the fragments again.
package struct DigitRow {
    /// The largest number of parts in a digit.
    package static let maximumPartsOfADigit = 8
    /// The number of cuts of a wide part, per digit height of its width.
    private static let cutsPerWidth = 4
    /// The largest number of rows; a higher image is scaled down.
    private static let rows = 112

    // Penalties as logarithms of probabilities, fitted on rows of digits of MNIST's test split.

    /// The penalty of a digit that is wider than high, per digit height of excess width.
    private static let costOfWidth: Float = 15
    /// The penalty of any cut through ink.
    private static let costOfCut: Float = 1
    /// The penalty of a cut per digit height of ink that it crosses.
    private static let costOfInk: Float = 4

    package struct Part {
        fileprivate let columns: Range<Int>
        fileprivate let component: Int
        /// Whether this part and the next one may belong to the same digit.
        package fileprivate(set) var mayJoinNext = false
        /// The penalty of a cut between this part and the next one, in the unit of ``DigitRow/digit(of:)``; 0 if there is
        /// paper between them.
        package fileprivate(set) var costOfCut: Float = 0
    }

    package private(set) var parts: [Part] = []
    private let image: GrayImage
    private let components: InkComponents
    /// The typical height of the row's digits.
    private var digitHeight = 1

    package init(_ picture: GrayImage) {
        image = Self.croppedToInk(picture)
        components = InkComponents(image)
        let tallest = components.boxes.map(\.rows.count).max() ?? 1
        // The median of components at least half as high as the tallest: specks do not count.
        let digits = components.boxes.map(\.rows.count).filter { $0 * 2 >= tallest }.sorted()
        digitHeight = digits.isEmpty ? tallest : digits[digits.count / 2]
        for index in components.boxes.indices.sorted(by: { middle($0) < middle($1) }) { parts += cut(index) }
        for index in parts.indices.dropLast() {
            parts[index].mayJoinNext = isNear(parts[index], parts[index + 1])
        }
    }

    /// Joins neighbouring parts to one candidate digit.
    ///
    /// - Parameter range: The indices of the parts.
    /// - Returns: The candidate's image and the penalty of its shape, 0 for a usual shape; nil if it has too little ink for
    ///   a digit.
    package func digit(of range: ClosedRange<Int>) -> (image: GrayImage, penalty: Float)? {
        let chosen = parts[range]
        let left = chosen.map(\.columns.lowerBound).min() ?? 0
        let right = chosen.map(\.columns.upperBound).max() ?? 1
        var digit = GrayImage(width: right - left, height: image.height)
        for part in chosen {
            for y in 0..<image.height {
                for x in part.columns where components.owner[y * image.width + x] == Int32(part.component) {
                    digit[x - left, y] = image[x, y]
                }
            }
        }
        guard let (columns, rows) = digit.boundingBox(threshold: DigitPreparation.paper) else { return nil }
        guard rows.count * 3 >= digitHeight else { return nil }
        let width = Float(columns.count) / Float(digitHeight)
        let tooWide = max(0, width - 1)
        let tooLow = max(0, 0.6 - Float(rows.count) / Float(digitHeight))
        return (digit, Self.costOfWidth * tooWide + 4 * tooLow)
    }

    private func middle(_ component: Int) -> Int {
        let columns = components.boxes[component].columns
        return columns.lowerBound + columns.upperBound
    }

    /// The image cropped to its ink and scaled to at most ``rows`` rows.
    private static func croppedToInk(_ picture: GrayImage) -> GrayImage {
        guard let (columns, rows) = picture.boundingBox(threshold: DigitPreparation.paper) else {
            return GrayImage(width: 1, height: 1)
        }
        let ink = picture.cropped(columns: columns, rows: rows)
        guard ink.height > Self.rows else { return ink }
        let width = Double(ink.width) * Double(Self.rows) / Double(ink.height)
        return ink.scaled(width: max(1, Int(width.rounded())), height: Self.rows)
    }

    /// The parts of a component: the whole component, or its fragments if it may be several digits.
    private func cut(_ component: Int) -> [Part] {
        let columns = components.boxes[component].columns
        let widths = Float(columns.count) / Float(digitHeight)
        guard widths > 0.8 else { return [Part(columns: columns, component: component)] }
        var thinnest: [(column: Int, ink: Float)] = []
        let smallestFragment = max(2, digitHeight / 8)
        for x in columns.dropFirst(smallestFragment).dropLast(smallestFragment) {
            thinnest.append((x, ink(ofColumn: x, component)))
        }
        thinnest.sort { ($0.ink, $0.column) < ($1.ink, $1.column) }
        var cuts: [Int] = []
        for (column, _) in thinnest where cuts.count < Int(widths * Float(Self.cutsPerWidth)) {
            if cuts.allSatisfy({ abs($0 - column) >= smallestFragment }) { cuts.append(column) }
        }
        let bounds = [columns.lowerBound] + cuts.sorted() + [columns.upperBound]
        var fragments = zip(bounds, bounds.dropFirst()).map { Part(columns: $0..<$1, component: component) }
        for index in fragments.indices.dropLast() {
            let crossed = ink(ofColumn: fragments[index].columns.upperBound, component) / Float(digitHeight)
            fragments[index].costOfCut = Self.costOfCut + Self.costOfInk * crossed
        }
        return fragments
    }

    private func ink(ofColumn x: Int, _ component: Int) -> Float {
        var sum: Float = 0
        for y in 0..<image.height where components.owner[y * image.width + x] == Int32(component) { sum += image[x, y] }
        return sum
    }

    private func isNear(_ left: Part, _ right: Part) -> Bool {
        left.component == right.component || (right.columns.lowerBound - left.columns.upperBound) * 6 < digitHeight
    }
}
