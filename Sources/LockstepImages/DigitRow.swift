/// A picture of several digits side by side, cut into parts: each is a digit or a piece of one.
///
/// Connected ink is one part, and ink above or below it belongs to it. Parts that are too wide for a digit are cut where
/// a column holds little ink, for they may be digits that touch; where they are not, the pieces can be joined again.
package struct DigitRow {
    /// A digit is put together from at most this many parts.
    package static let mostPartsOfADigit = 8
    /// How many cuts a wide part gets for each digit's width that it is wide.
    private static let cutsPerWidth = 4
    /// Rows that the writing is looked at with; a larger picture is scaled down to it.
    private static let rows = 112

    // Logarithms of probabilities, found on rows of digits of MNIST's test split.

    /// What speaks against a digit that is wider than high, for each height that it is too wide.
    private static let costOfWidth: Float = 15
    /// What speaks against any cut through ink.
    private static let costOfCut: Float = 1
    /// And for each height of ink that it goes through.
    private static let costOfInk: Float = 4

    package struct Part {
        fileprivate let columns: Range<Int>
        fileprivate let component: Int
        /// Whether this part and the next one may be of the same digit.
        package fileprivate(set) var mayJoinNext = false
        /// What it speaks against a cut between this part and the next one, in the unit of ``DigitRow/digit(of:)``; 0
        /// where there is paper between them.
        package fileprivate(set) var costOfCut: Float = 0
    }

    package private(set) var parts: [Part] = []
    private let image: GrayImage
    private let components: InkComponents
    /// The height that most digits of the row have.
    private var digitHeight = 1

    package init(_ picture: GrayImage) {
        image = Self.writing(of: picture)
        components = InkComponents(image)
        let tallest = components.boxes.map(\.rows.count).max() ?? 1
        // Half of the tallest: a row of ones and sevens has no lower digits, and specks do not count.
        let digits = components.boxes.map(\.rows.count).filter { $0 * 2 >= tallest }.sorted()
        digitHeight = digits.isEmpty ? tallest : digits[digits.count / 2]
        for index in components.boxes.indices.sorted(by: { middle($0) < middle($1) }) { parts += cut(index) }
        for index in parts.indices.dropLast() {
            parts[index].mayJoinNext = isNear(parts[index], parts[index + 1])
        }
    }

    /// The ink of neighbouring parts, and how unlike a digit its shape is: 0 for a usual one.
    ///
    /// - Parameter range: Parts to be taken together.
    /// - Returns: nil where there is too little ink for a digit; else its picture, and the penalty as a logarithm of a
    ///   probability.
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

    /// The part of a picture that holds its ink, at most ``rows`` high.
    private static func writing(of picture: GrayImage) -> GrayImage {
        guard let (columns, rows) = picture.boundingBox(threshold: DigitPreparation.paper) else {
            return GrayImage(width: 1, height: 1)
        }
        let ink = picture.cropped(columns: columns, rows: rows)
        guard ink.height > Self.rows else { return ink }
        let width = Double(ink.width) * Double(Self.rows) / Double(ink.height)
        return ink.scaled(width: max(1, Int(width.rounded())), height: Self.rows)
    }

    /// A component as parts: whole, or cut where it may be several digits.
    private func cut(_ component: Int) -> [Part] {
        let columns = components.boxes[component].columns
        let widths = Float(columns.count) / Float(digitHeight)
        guard widths > 0.8 else { return [Part(columns: columns, component: component)] }
        var thinnest: [(column: Int, ink: Float)] = []
        let smallestPiece = max(2, digitHeight / 8)
        for x in columns.dropFirst(smallestPiece).dropLast(smallestPiece) {
            thinnest.append((x, ink(ofColumn: x, component)))
        }
        thinnest.sort { ($0.ink, $0.column) < ($1.ink, $1.column) }
        var cuts: [Int] = []
        for (column, _) in thinnest where cuts.count < Int(widths * Float(Self.cutsPerWidth)) {
            if cuts.allSatisfy({ abs($0 - column) >= smallestPiece }) { cuts.append(column) }
        }
        let bounds = [columns.lowerBound] + cuts.sorted() + [columns.upperBound]
        var pieces = zip(bounds, bounds.dropFirst()).map { Part(columns: $0..<$1, component: component) }
        for index in pieces.indices.dropLast() {
            let crossed = ink(ofColumn: pieces[index].columns.upperBound, component) / Float(digitHeight)
            pieces[index].costOfCut = Self.costOfCut + Self.costOfInk * crossed
        }
        return pieces
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
