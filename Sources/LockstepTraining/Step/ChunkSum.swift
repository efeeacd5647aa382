import LockstepNumerics

/// A chunk of a mini-batch's gradient of which the last addition, that of the tree's root, is still to be made: by
/// whoever uses it, piece by piece, so that a piece is used while it is in the cache.
package struct ChunkSum {
    /// Elements of the parameter buffer.
    package let range: Range<Int>
    let augend: UnsafePointer<Float>
    /// Nil where the root's gradient came as a whole.
    let addend: UnsafePointer<Float>?

    /// Makes a piece of the sum.
    ///
    /// - Parameters:
    ///   - piece: Elements within ``range``; several threads may make pieces that do not overlap.
    ///   - room: Receives the piece, [piece.count], if it is still to be added up; overlaps neither summand.
    /// - Returns: The piece, [piece.count]: in `room`, or where it stands already.
    package func make(_ piece: Range<Int>, in room: UnsafeMutablePointer<Float>) -> UnsafePointer<Float> {
        let offset = piece.lowerBound - range.lowerBound
        guard let addend else { return augend + offset }
        add(augend + offset, addend + offset, into: room, count: piece.count)
        return UnsafePointer(room)
    }
}
