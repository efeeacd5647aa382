/// Proposes where to cut ink that may be several digits which touch: more cuts than there are digits.
///
/// Digits that overlap are best cut straight, digits that lean on each other along the paper between them, so both kinds of cuts
/// are proposed, each where it crosses the least ink.
enum DigitSegmentation {
    /// The numbers of cuts along paper and of straight ones, per digit height of the ink's width.
    private static let curvedCuts = 4
    private static let straightCuts = 6
    /// How far a cut along paper may bend to each side, in digit heights.
    private static let reach = 0.2
    /// The least distance of two cuts of a kind, in digit heights.
    private static let distance = 0.1
    /// The least width beside a cut, in digit heights.
    private static let smallestFragment = 0.125
    /// The penalty of a cut, and the penalty of each digit height of ink that the cut crosses.
    private static let costOfCut: Float = 0.1
    private static let costOfInk: Float = 2.5
    /// Ink narrower than this, in digit heights, is rather one digit: the penalty of a cut per digit height that is missing.
    private static let widthOfTwo: Float = 1.08
    private static let costOfNarrowness: Float = 2
    /// Digits that touch are seldom alone: the penalty of a cut in a line without ink that is wide enough for two.
    private static let costInClearLine: Float = 4

    /// The cuts through a component, from left to right.
    static func seams(through ink: GrayImage, digitHeight: Int) -> [InkSeam] {
        let seams =
            thinnest(curvedCuts, of: ink, digitHeight, reach: max(2, Int(reach * Double(digitHeight))))
            + thinnest(straightCuts, of: ink, digitHeight, reach: 0)
        return seams.sorted { ($0.middle, $0.crossedInk) < ($1.middle, $1.crossedInk) }
    }

    /// The penalty of a cut, in the unit of ``DigitScore``.
    ///
    /// - Parameters:
    ///   - seam: The cut.
    ///   - width: The width of the ink that is cut, in pixels.
    ///   - widest: The width of the widest ink in the line, in pixels.
    ///   - digitHeight: The height of the line's digits, in pixels.
    /// - Returns: The penalty.
    static func cost(of seam: InkSeam, width: Int, widest: Int, digitHeight: Int) -> Float {
        let narrowness = max(0, widthOfTwo - Float(width) / Float(digitHeight))
        let isClear = Float(widest) < widthOfTwo * Float(digitHeight)
        return (isClear ? costInClearLine : 0) + costOfCut + costOfNarrowness * narrowness
            + costOfInk * seam.crossedInk / Float(digitHeight)
    }

    private static func thinnest(_ density: Int, of ink: GrayImage, _ digitHeight: Int, reach: Int) -> [InkSeam] {
        let margin = max(2, Int(smallestFragment * Double(digitHeight)))
        guard ink.width > 2 * margin else { return [] }
        var candidates = stride(from: margin, to: ink.width - margin, by: max(1, digitHeight / 20)).map { column in
            InkSeam(in: ink, near: column, reach: reach)
        }
        candidates.sort { ($0.crossedInk, $0.middle) < ($1.crossedInk, $1.middle) }
        let limit = ink.width * density / digitHeight
        let gap = Int(distance * Double(digitHeight))
        var seams: [InkSeam] = []
        for candidate in candidates where seams.count < limit {
            if seams.allSatisfy({ abs($0.middle - candidate.middle) >= gap }) { seams.append(candidate) }
        }
        return seams
    }
}
