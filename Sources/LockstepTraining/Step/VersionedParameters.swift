package import LockstepNumerics

/// A network's weights in two versions that alternate by step.
///
/// The weights of step n stay unchanged until every node of step n is known: a lost node may have to be computed again
/// after some ranges were updated. The weights of step n + 1 are written to the other version.
package struct VersionedParameters {
    /// The number of updates that the current weights have had, which is also the step that they are for.
    package private(set) var version: UInt64
    private let even: FloatBuffer
    private let odd: FloatBuffer
    /// Both versions rounded to bfloat16; nil if gradients are computed on the weights as they are.
    private let rounded: (even: FloatBuffer, odd: FloatBuffer)?

    /// - Parameters:
    ///   - initial: The weights of step `version`.
    ///   - other: Memory for the weights of the next step, of the same size.
    ///   - rounded: Memory for both versions rounded to bfloat16, even and odd; nil if gradients are computed on the
    ///     weights as they are.
    ///   - version: The step that the weights are for; not 0 when a run is resumed.
    package init(
        initial: FloatBuffer, other: FloatBuffer, rounded: (even: FloatBuffer, odd: FloatBuffer)? = nil,
        version: UInt64 = 0
    ) {
        precondition(initial.count == other.count)
        self.version = version
        (self.even, self.odd) = version & 1 == 0 ? (initial, other) : (other, initial)
        self.rounded = rounded
    }

    /// The weights of `version`, the current one or the next.
    package subscript(version: UInt64) -> FloatBuffer {
        version & 1 == 0 ? even : odd
    }

    /// The weights of `version` on which gradients are computed.
    package func forward(_ version: UInt64) -> FloatBuffer {
        guard let rounded, !Self.isReplacement(version) else { return self[version] }
        return version & 1 == 0 ? rounded.even : rounded.odd
    }

    /// Rounds a range of a version's weights, once it is final, if gradients are computed on rounded weights.
    ///
    /// - Returns: The sums of the bit patterns of the rounded weights that were replaced, which are two versions older, and
    ///   of those that were written; 0 if none are rounded.
    @discardableResult
    package func round(_ range: Range<Int>, of version: UInt64) -> (replaced: UInt32, written: UInt32) {
        guard rounded != nil else { return (0, 0) }
        let (source, destination) = (self[version], forward(version))
        return roundToBFloat16(
            source.pointer + range.lowerBound, into: destination.pointer + range.lowerBound, count: range.count)
    }

    package var current: FloatBuffer { self[version] }
    package var next: FloatBuffer { self[version + 1] }

    /// Copies other weights over the next version, and returns parameters whose current weights they are.
    ///
    /// For an evaluation between two steps, when the memory of the next weights is free. Workers receive these weights like
    /// any version; the next step overwrites them.
    package func replaced(by weights: FloatBuffer) -> VersionedParameters {
        next.pointer.update(from: weights.pointer, count: weights.count)
        var result = self
        result.version = Self.replacement | (version + 1)
        return result
    }

    /// The bit that tells versions of replaced weights from versions of steps: the highest that a message carries.
    private static let replacement: UInt64 = 1 << 47

    /// Whether a version replaced another for an evaluation, and so belongs to no step.
    package static func isReplacement(_ version: UInt64) -> Bool { version & replacement != 0 }

    /// Both versions rounded to bfloat16; nil if gradients are computed on the weights as they are.
    var roundedVersions: (even: FloatBuffer, odd: FloatBuffer)? { rounded }

    /// Goes back to earlier weights, which become the current ones.
    ///
    /// - Parameters:
    ///   - weights: All parameters, in the layout's order.
    ///   - version: The number of updates that they have had.
    mutating func restore(_ weights: FloatBuffer, version: UInt64) {
        self.version = version
        current.pointer.update(from: weights.pointer, count: current.count)
        round(0..<current.count, of: version)
    }

    /// Makes the next weights the current ones.
    package mutating func advance() {
        version += 1
    }
}
