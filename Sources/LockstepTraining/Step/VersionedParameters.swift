package import LockstepNumerics

/// A network's weights in two versions that alternate by step.
///
/// The weights of step n stay whole until every node of step n is in, for a lost node may have to be computed again
/// after some ranges have been updated already; meanwhile the weights of step n + 1 come into being beside them.
package struct VersionedParameters {
    /// The number of updates that made the current weights; also the number of the step they serve.
    package private(set) var version: UInt64
    private let even: FloatBuffer
    private let odd: FloatBuffer
    /// Both versions rounded to bfloat16, where gradients are computed on these.
    private let rounded: (even: FloatBuffer, odd: FloatBuffer)?

    /// - Parameters:
    ///   - initial: The weights of step `version`.
    ///   - other: Room for those of the next step, of the same size.
    ///   - rounded: Room for both versions rounded to bfloat16, even and odd; nil where gradients are computed on the
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

    /// The weights of `version` as gradients are computed on them.
    package func forward(_ version: UInt64) -> FloatBuffer {
        guard let rounded, !Self.isReplacement(version) else { return self[version] }
        return version & 1 == 0 ? rounded.even : rounded.odd
    }

    /// Makes a range of a version's weights ready for computing on them, once it is final.
    package func round(_ range: Range<Int>, of version: UInt64) {
        guard rounded != nil else { return }
        let (source, destination) = (self[version], forward(version))
        roundToBFloat16(
            source.pointer + range.lowerBound, into: destination.pointer + range.lowerBound, count: range.count)
    }

    package var current: FloatBuffer { self[version] }
    package var next: FloatBuffer { self[version + 1] }

    /// Other weights in the place of the next ones, as the current ones of a version that no step has.
    ///
    /// Between two steps the next weights' place is free: whoever computes with these gets them as it gets any version,
    /// and the next step's overwrite them.
    package func replaced(by weights: FloatBuffer) -> VersionedParameters {
        next.pointer.update(from: weights.pointer, count: weights.count)
        var result = self
        result.version = Self.replacement | (version + 1)
        return result
    }

    /// Tells versions of replaced weights from those of steps.
    private static let replacement: UInt64 = 1 << 63

    /// Whether a version is one that was put in the place of another, for an evaluation: it is no step's.
    package static func isReplacement(_ version: UInt64) -> Bool { version & replacement != 0 }

    /// Makes the next weights the current ones.
    package mutating func advance() {
        version += 1
    }
}
