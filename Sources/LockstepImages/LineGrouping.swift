/// Groups the components of a page into lines of digits.
///
/// Components as high as digits come first, from left to right: each belongs to the line whose last digit it overlaps most in
/// height, so that lines may slope. Lines closer than digits are high are one line, whose digits are torn. What is lower than
/// a digit, such as the bar of a five, belongs to the line of the digit next to it.
struct LineGrouping {
    /// The components of each line, the upper line first.
    private(set) var lines: [[Int]] = []
    private let boxes: [InkComponents.Box]
    /// The median height of components that are at least half as high as the highest.
    private let digitHeight: Int

    init(_ boxes: [InkComponents.Box]) {
        self.boxes = boxes
        let tallest = boxes.map(\.rows.count).max() ?? 0
        let heights = boxes.map(\.rows.count).filter { $0 * 2 >= tallest }.sorted()
        digitHeight = heights.isEmpty ? 0 : heights[heights.count / 2]
        let digits = boxes.indices.filter { boxes[$0].rows.count * 2 >= digitHeight }
        for index in digits.sorted(by: { middle($0).x < middle($1).x }) { add(index) }
        joinNear()
        for index in boxes.indices where boxes[index].rows.count * 2 < digitHeight { addToNearest(index) }
        lines = lines.sorted { height($0) < height($1) }
    }

    private func middle(_ index: Int) -> (x: Int, y: Int) {
        let box = boxes[index]
        return (
            (box.columns.lowerBound + box.columns.upperBound) / 2, (box.rows.lowerBound + box.rows.upperBound) / 2
        )
    }

    private func height(_ line: [Int]) -> Int { line.map { middle($0).y }.reduce(0, +) / max(1, line.count) }

    private mutating func add(_ index: Int) {
        let rows = boxes[index].rows
        let overlaps = lines.map { line in
            guard let last = line.last else { return 0.0 }
            let other = boxes[last].rows
            return Double(rows.clamped(to: other).count) / Double(max(1, min(rows.count, other.count)))
        }
        if let best = overlaps.indices.max(by: { overlaps[$0] < overlaps[$1] }), overlaps[best] >= 0.4 {
            lines[best].append(index)
        } else {
            lines.append([index])
        }
    }

    /// Joins lines of which one's digits are on average less than 0.6 digit heights above or below the other's.
    private mutating func joinNear() {
        var index = 0
        while index < lines.count {
            let near = lines.indices.first { other in
                other != index && lines[other].count >= lines[index].count && distance(lines[index], lines[other]) < 0.6
            }
            guard let near else {
                index += 1
                continue
            }
            lines[near] = (lines[near] + lines[index]).sorted { middle($0).x < middle($1).x }
            lines.remove(at: index)
            index = 0
        }
    }

    /// The mean distance in height of the components of a line from the components of another that are next to them, in
    /// digit heights.
    private func distance(_ line: [Int], _ other: [Int]) -> Double {
        let distances = line.map { index -> Int in
            let (x, y) = middle(index)
            let next = other.min { abs(middle($0).x - x) < abs(middle($1).x - x) }
            return next.map { abs(middle($0).y - y) } ?? .max / 4
        }
        return Double(distances.reduce(0, +)) / Double(max(1, line.count * digitHeight))
    }

    private mutating func addToNearest(_ index: Int) {
        func gap(_ first: Range<Int>, _ second: Range<Int>) -> Int {
            max(0, first.lowerBound - second.upperBound, second.lowerBound - first.upperBound)
        }
        let box = boxes[index]
        let distances = lines.map { line in
            line.map { gap(boxes[$0].columns, box.columns) + gap(boxes[$0].rows, box.rows) }.min() ?? .max
        }
        if let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }) {
            lines[nearest].append(index)
        } else {
            lines.append([index])
        }
    }
}
