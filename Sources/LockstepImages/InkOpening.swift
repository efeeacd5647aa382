extension GrayImage {
    /// The morphological opening with a square: what is left of the ink when everything narrower than the square is removed.
    ///
    /// Both passes go along rows and columns with the running minimum of M. van Herk ("A fast algorithm for local minimum and
    /// maximum filters", 1992), whose time does not depend on the window.
    func opened(window: Int) -> GrayImage {
        let reach = window / 2
        var result = self
        result.filter(reach: reach, min)
        result.filter(reach: reach, max)
        return result
    }

    /// Replaces each pixel by the extreme of the square around it; beyond the edge its pixels go on.
    private mutating func filter(reach: Int, _ extreme: (Float, Float) -> Float) {
        for y in 0..<height { filter(start: y * width, step: 1, count: width, reach: reach, extreme) }
        for x in 0..<width { filter(start: x, step: width, count: height, reach: reach, extreme) }
    }

    private mutating func filter(
        start: Int, step: Int, count: Int, reach: Int, _ extreme: (Float, Float) -> Float
    ) {
        let window = 2 * reach + 1
        // The line with its edge pixels repeated, in whole blocks.
        let blocks = (count + 2 * reach + window - 1) / window
        let line = (0..<blocks * window).map { ink[start + min(count - 1, max(0, $0 - reach)) * step] }
        // The extremes from each block's start and to each block's end.
        var (fromStart, toEnd) = (line, line)
        for index in line.indices where index % window != 0 {
            fromStart[index] = extreme(fromStart[index - 1], line[index])
        }
        for index in line.indices.reversed() where (index + 1) % window != 0 {
            toEnd[index] = extreme(toEnd[index + 1], line[index])
        }
        for index in 0..<count {
            ink[start + index * step] = extreme(toEnd[index], fromStart[index + window - 1])
        }
    }
}
