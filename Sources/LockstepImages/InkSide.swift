/// Decides whether ink is darker or brighter than the paper, where a picture has both.
///
/// The lit part of a sheet that lies in shadow is brighter than the rest and larger than all digits, and cameras draw bright edges
/// around dark strokes; but ink has the strongest contrast. So contrast counts more than area.
enum InkSide {
    /// Less contrast than this share of the other side's, over all pixels, is no ink.
    static let smallestShare = 0.05

    /// The ink of the likelier side; nil if there is none.
    static func select(_ sides: [InkThreshold.Ink]) -> GrayImage? {
        func weight(_ side: InkThreshold.Ink) -> Float {
            side.ink.ink.reduce(0, +) * side.level * side.level * side.level
        }
        return sides.max { weight($0) < weight($1) }?.ink
    }
}
