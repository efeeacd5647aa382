/// The connected components of an image's ink.
struct InkComponents {
    typealias Box = (columns: Range<Int>, rows: Range<Int>)

    /// The largest number of components; of more, the largest ones are retained.
    private static let maximumComponents = 1_000

    /// The component of each pixel, [height, width]; -1 for paper.
    private(set) var owner: [Int32]
    /// The bounding box of each component.
    private(set) var boxes: [Box] = []

    /// Finds all components.
    init(labelling image: GrayImage) {
        owner = [Int32](repeating: -1, count: image.ink.count)
        for start in image.ink.indices where image.ink[start] > DigitPreparation.paper && owner[start] < 0 {
            fill(from: start, image)
        }
    }

    /// Finds the components that are no specks.
    init(withoutSpecks image: GrayImage) {
        self.init(labelling: image)
        dropSpecks()
    }

    /// Finds the components of one line that are no specks; components that lie above each other count as one.
    init(_ image: GrayImage) {
        self.init(withoutSpecks: image)
        joinStacked()
    }

    /// Marks all ink that is connected with a pixel; pixels that touch at a corner are connected.
    private mutating func fill(from start: Int, _ image: GrayImage) {
        let component = Int32(boxes.count)
        let (width, height) = (image.width, image.height)
        var (left, right, top, bottom) = (width, 0, height, 0)
        var waiting = [start]
        owner[start] = component
        while let pixel = waiting.popLast() {
            let (x, y) = (pixel % width, pixel / width)
            (left, right, top, bottom) = (min(left, x), max(right, x), min(top, y), max(bottom, y))
            for nearY in max(0, y - 1)...min(height - 1, y + 1) {
                for nearX in max(0, x - 1)...min(width - 1, x + 1) {
                    let near = nearY * width + nearX
                    if owner[near] < 0, image.ink[near] > DigitPreparation.paper {
                        owner[near] = component
                        waiting.append(near)
                    }
                }
            }
        }
        boxes.append((left..<right + 1, top..<bottom + 1))
    }

    /// Removes components that are far smaller than a digit.
    private mutating func dropSpecks() {
        let tallest = boxes.map(\.rows.count).max() ?? 0
        func size(_ index: Int) -> Int { max(boxes[index].rows.count, boxes[index].columns.count) }
        let kept = boxes.indices.filter { size($0) * 6 >= tallest }
            .sorted { (size($1), $0) < (size($0), $1) }.prefix(Self.maximumComponents).sorted()
        renumber(kept.map { [$0] })
    }

    /// Joins two components if the narrower one lies mostly above or below the other, as the bar of a five does.
    ///
    /// Slanted digits also overlap a little, but are not joined.
    private mutating func joinStacked() {
        while true {
            var groups: [[Int]] = []
            var reach: [Range<Int>] = []
            for index in boxes.indices.sorted(by: { boxes[$0].columns.count > boxes[$1].columns.count }) {
                let columns = boxes[index].columns
                // The widest components come first, so this one is the narrower of the two.
                let home = reach.firstIndex { $0.clamped(to: columns).count * 5 > columns.count * 3 }
                if let home {
                    groups[home].append(index)
                } else {
                    groups.append([index])
                    reach.append(columns)
                }
            }
            guard groups.count < boxes.count else { return }
            renumber(groups)
        }
    }

    /// Makes one component of each group; components in no group become paper.
    private mutating func renumber(_ groups: [[Int]]) {
        var new = [Int32](repeating: -1, count: boxes.count)
        for (number, group) in groups.enumerated() {
            for index in group { new[index] = Int32(number) }
        }
        for pixel in owner.indices where owner[pixel] >= 0 { owner[pixel] = new[Int(owner[pixel])] }
        boxes = groups.map { group in
            let columns = group.map { boxes[$0].columns }
            let rows = group.map { boxes[$0].rows }
            return (hull(columns), hull(rows))
        }
    }

    private func hull(_ ranges: [Range<Int>]) -> Range<Int> {
        (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? 0)
    }
}
