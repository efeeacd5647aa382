/// A block of an evaluation as a header's ``Header/unit``: the split in the top byte, the block's number in the others.
///
/// A block has 1,000 samples, so 2²⁴ blocks are enough for any data set that fits in memory.
package struct EvaluationUnit: RawRepresentable, Hashable, Sendable {
    /// The number of blocks that a split can have.
    package static let blockLimit = 1 << 24

    package let rawValue: UInt32

    /// Accepts any 32 bits; the receiver checks that this split and block exist.
    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// - Parameters:
    ///   - split: The part of the data set.
    ///   - block: Less than ``blockLimit``.
    package init(split: UInt8, block: Int) {
        precondition((0..<Self.blockLimit).contains(block), "no block \(block)")
        rawValue = UInt32(split) << 24 | UInt32(block)
    }

    package var split: UInt8 { UInt8(truncatingIfNeeded: rawValue >> 24) }
    package var block: Int { Int(rawValue & 0xFF_FFFF) }
}
