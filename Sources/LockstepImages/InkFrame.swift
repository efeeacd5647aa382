/// Removes what a scanner or a camera sees around the paper: the dark edge of the glass, the table, the frame of a board.
enum InkFrame {
    /// The share of a side along which a frame touches it.
    private static let sideShare = 0.8
    /// The share of the picture's size that the other ink stays away from the edge.
    private static let margin = 0.04

    /// Removes components that lie along a whole side of the picture, if there is other ink, away from the sides.
    ///
    /// In a tight crop a digit may lie along a side too, but there the other digits reach the edge as well.
    static func remove(from image: inout GrayImage) {
        let (width, height) = (image.width, image.height)
        guard min(width, height) >= 8 else { return }
        let components = InkComponents(labelling: image)
        let frames = Set(components.boxes.indices.filter { isFrame(components, $0, width, height) })
        guard !frames.isEmpty else { return }
        let others = components.boxes.indices.filter { !frames.contains($0) }.map { components.boxes[$0] }
        let tallest = others.map { max($0.rows.count, $0.columns.count) }.max() ?? 0
        let digits = others.filter { max($0.rows.count, $0.columns.count) * 3 >= tallest }
        let isApart = digits.allSatisfy { box in
            let (x, y) = (Int(margin * Double(width)) + 1, Int(margin * Double(height)) + 1)
            return box.rows.lowerBound >= y && box.rows.upperBound <= height - y && box.columns.lowerBound >= x
                && box.columns.upperBound <= width - x
        }
        guard tallest * 30 >= height, tallest >= 6, isApart else { return }
        for pixel in image.ink.indices where components.owner[pixel] >= 0 {
            if frames.contains(Int(components.owner[pixel])) { image.ink[pixel] = 0 }
        }
    }

    private static func isFrame(_ components: InkComponents, _ index: Int, _ width: Int, _ height: Int) -> Bool {
        func count(_ pixels: some Sequence<Int>) -> Double {
            Double(pixels.count { components.owner[$0] == Int32(index) })
        }
        let rows = [0, height - 1].map { y in count((0..<width).lazy.map { y * width + $0 }) / Double(width) }
        let columns = [0, width - 1].map { x in count((0..<height).lazy.map { $0 * width + x }) / Double(height) }
        return (rows + columns).contains { $0 >= sideShare }
            || (rows.max() ?? 0) >= 0.3 && (columns.max() ?? 0) >= 0.3
    }
}
