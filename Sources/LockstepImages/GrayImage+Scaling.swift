extension GrayImage {
    /// The image in another size: each new pixel is the mean of the old pixels that it covers, weighted by area.
    package func scaled(width newWidth: Int, height newHeight: Int) -> GrayImage {
        let columns = Self.shares(from: width, to: newWidth)
        let rows = Self.shares(from: height, to: newHeight)
        var result = GrayImage(width: newWidth, height: newHeight)
        for (y, rowShares) in rows.enumerated() {
            for (x, columnShares) in columns.enumerated() {
                var sum: Float = 0
                for (sourceY, rowShare) in rowShares {
                    for (sourceX, share) in columnShares { sum += self[sourceX, sourceY] * share * rowShare }
                }
                result[x, y] = min(1, sum)
            }
        }
        return result
    }

    /// For each new pixel of a line: the old pixels that it covers, and their shares of it, which add up to 1.
    private static func shares(from old: Int, to new: Int) -> [[(Int, Float)]] {
        let length = Double(old) / Double(new)
        return (0..<new).map { index in
            let (start, end) = (Double(index) * length, Double(index + 1) * length)
            return (Int(start)..<min(old, Int(end.rounded(.up)))).compactMap { source in
                let covered = min(end, Double(source + 1)) - max(start, Double(source))
                return covered > 0 ? (source, Float(covered / length)) : nil
            }
        }
    }
}
