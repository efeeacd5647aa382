import LockstepNumerics

/// A chunk of a mini-batch's gradient of which the last addition, that of the tree's root, is still to be made: by
/// whoever uses it, piece by piece, so that a piece is used while it is in the cache.
package struct ChunkSum {
    /// Elements of the parameter buffer.
    package let range: Range<Int>
    let augend: UnsafePointer<Float>
    /// Nil where the root's gradient came as a whole.
    let addend: UnsafePointer<Float>?
    /// Receives the sum, [range.count]; may be the augend.
    let room: UnsafeMutablePointer<Float>?

    /// Makes a piece of the sum.
    ///
    /// - Parameter piece: Elements within ``range``; several threads may make pieces that do not overlap.
    /// - Returns: The piece, [piece.count].
    package func make(_ piece: Range<Int>) -> UnsafePointer<Float> {
        let offset = piece.lowerBound - range.lowerBound
        guard let addend, let room else { return augend + offset }
        add(augend + offset, addend + offset, into: room + offset, count: piece.count)
        return UnsafePointer(room + offset)
    }
}
