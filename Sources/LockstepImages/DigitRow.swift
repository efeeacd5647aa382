/// A line of digits side by side, cut into parts: each part is a digit or a fragment of one.
///
/// Connected ink is one part, together with the ink above or below it. A part that is too wide for a narrow digit may be
/// several digits that touch, so it is cut wherever it may be right to cut (`DigitSegmentation`); a reader joins the fragments
/// again, in the way that gives the likeliest digits.
package struct DigitRow {
    /// The width of the widest digit, in digit heights.
    private static let largestWidth: Float = 1.4
    /// The width from which a part is cut, in digit heights.
    private static let smallestWidthOfSeveral: Float = 0.55
    /// The largest number of rows; a higher image is scaled down.
    private static let rows = 112

    /// A fragment of a component between two cuts.
    package struct Part {
        fileprivate let component: Int
        fileprivate let left: InkSeam
        fileprivate let right: InkSeam
        /// Whether this part and the next one may belong to the same digit.
        package fileprivate(set) var mayJoinNext = false
        /// The penalty of a cut between this part and the next one, in the unit of ``DigitScore``; 0 if there is paper between
        /// them.
        package fileprivate(set) var costOfCut: Float = 0
    }

    /// What may be a digit.
    package struct Candidate {
        /// Its ink, cropped.
        package let image: GrayImage
        /// Its size, in heights of the line's digits.
        package let width: Float
        package let height: Float
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

    /// The lines of digits in a picture, the upper one first; none for an empty sheet.
    package static func lines(of picture: GrayImage) -> [DigitRow] {
        let components = InkComponents(withoutSpecks: picture)
        let lines = LineGrouping(components.boxes).lines
        guard lines.count > 1 else { return lines.isEmpty ? [] : [DigitRow(picture)] }
        return lines.map { line in
            let members = Set(line.map(Int32.init))
            var image = picture
            for pixel in image.ink.indices where !members.contains(components.owner[pixel]) { image.ink[pixel] = 0 }
            return DigitRow(image)
        }
    }

    /// Whether parts together are wider than a digit, so that joining more of them is in vain.
    package func isTooWide(_ range: ClosedRange<Int>) -> Bool {
        let width = parts[range.upperBound].right.middle - parts[range.lowerBound].left.middle
        return Float(width) > Self.largestWidth * Float(digitHeight)
    }

    /// Joins neighbouring parts to one candidate digit.
    ///
    /// - Parameter range: The indices of the parts.
    /// - Returns: The candidate; nil if it has too little ink for a digit.
    package func digit(of range: ClosedRange<Int>) -> Candidate? {
        let chosen = parts[range]
        let boxes = chosen.map { components.boxes[$0.component].columns }
        let left = boxes.map(\.lowerBound).min() ?? 0
        let right = boxes.map(\.upperBound).max() ?? 1
        var digit = GrayImage(width: right - left, height: image.height)
        var start = range.lowerBound
        while start <= range.upperBound {
            // The parts of one component follow each other; what is between the outer cuts belongs to them.
            let component = parts[start].component
            let end = chosen[start...].firstIndex { $0.component != component } ?? chosen.endIndex
            copyInk(of: component, between: parts[start].left, and: parts[end - 1].right, to: &digit, left)
            start = end
        }
        if parts[range.lowerBound].left.crossedInk > 0 || parts[range.upperBound].right.crossedInk > 0 {
            digit.removeRemnants()
        }
        guard let (columns, rows) = digit.boundingBox(threshold: DigitPreparation.paper), rows.count * 3 >= digitHeight
        else { return nil }
        return Candidate(
            image: digit.cropped(columns: columns, rows: rows), width: Float(columns.count) / Float(digitHeight),
            height: Float(rows.count) / Float(digitHeight))
    }

    private func copyInk(
        of component: Int, between left: InkSeam, and right: InkSeam, to digit: inout GrayImage, _ offset: Int
    ) {
        for y in 0..<image.height where left.columns[y] < right.columns[y] {
            for x in left.columns[y]..<right.columns[y] where components.owner[y * image.width + x] == component {
                digit[x - offset, y] = image[x, y]
            }
        }
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
        let left = InkSeam(column: columns.lowerBound, height: image.height)
        let right = InkSeam(column: columns.upperBound, height: image.height)
        guard Float(columns.count) > Self.smallestWidthOfSeveral * Float(digitHeight) else {
            return [Part(component: component, left: left, right: right)]
        }
        var ink = image.cropped(columns: columns, rows: 0..<image.height)
        for y in 0..<image.height {
            for x in columns where components.owner[y * image.width + x] != component {
                ink[x - columns.lowerBound, y] = 0
            }
        }
        let seams = DigitSegmentation.seams(through: ink, digitHeight: digitHeight)
        let bounds = [left] + seams.map { $0.moved(by: columns.lowerBound) } + [right]
        var fragments = zip(bounds, bounds.dropFirst()).map { Part(component: component, left: $0, right: $1) }
        for index in fragments.indices.dropLast() {
            fragments[index].costOfCut = DigitSegmentation.cost(
                of: fragments[index].right, width: columns.count,
                widest: components.boxes.map(\.columns.count).max() ?? 0, digitHeight: digitHeight)
        }
        return fragments
    }

    private func isNear(_ left: Part, _ right: Part) -> Bool {
        left.component == right.component || (right.left.middle - left.right.middle) * 6 < digitHeight
    }
}

extension GrayImage {
    /// The ink of a remnant, as a share of the largest component's.
    private static let remnantShare: Float = 0.08

    /// Removes what a cut has left of a neighbour: components with little ink, beside the digit.
    fileprivate mutating func removeRemnants() {
        let components = InkComponents(labelling: self)
        guard components.boxes.count > 1 else { return }
        var amounts = [Float](repeating: 0, count: components.boxes.count)
        for pixel in ink.indices where components.owner[pixel] >= 0 {
            amounts[Int(components.owner[pixel])] += ink[pixel]
        }
        let least = Self.remnantShare * (amounts.max() ?? 0)
        for pixel in ink.indices where components.owner[pixel] >= 0 && amounts[Int(components.owner[pixel])] < least {
            ink[pixel] = 0
        }
    }
}
