import LockstepNumerics

/// Random numbers that depend on their place alone: the same in every process, however many have been drawn elsewhere.
///
/// They are Philox4x32-10 with the run's seed as its key. Nothing is consumed: the same place gives the same number again.
public struct RandomNumbers: Hashable, Sendable {
    private let generator: Philox

    /// The random numbers of a seed.
    public init(seed: UInt64) {
        generator = Philox(seed: seed)
    }

    /// A number in the open interval (0, 1).
    ///
    /// - Parameters:
    ///   - purpose: Tells apart what the numbers are for: 0 for initial parameters, others as you like. Lockstep's own numbers, such
    ///     as the epoch's order, have other purposes.
    ///   - epoch: The epoch, or 0.
    ///   - element: The sample's or the parameter's index.
    ///   - draw: Counts several numbers of one element.
    /// - Returns: The number at this place.
    public func uniform(purpose: UInt8 = 0, epoch: Int = 0, element: Int, draw: Int = 0) -> Double {
        generator.uniform(at: position(purpose, epoch, element, draw))
    }

    /// A Gaussian number with mean 0 and variance 1, at a place as ``uniform(purpose:epoch:element:draw:)`` has it.
    public func normal(purpose: UInt8 = 0, epoch: Int = 0, element: Int, draw: Int = 0) -> Float {
        generator.standardNormal(at: position(purpose, epoch, element, draw))
    }

    /// The purposes of programs share one of Lockstep's; they are told apart in the highest bits of the draw.
    private func position(_ purpose: UInt8, _ epoch: Int, _ element: Int, _ draw: Int) -> RandomPosition {
        RandomPosition(
            .programModel, epoch: UInt32(truncatingIfNeeded: epoch), sample: UInt32(truncatingIfNeeded: element),
            draw: UInt32(purpose) << 24 | UInt32(truncatingIfNeeded: draw) & 0xFF_FFFF)
    }
}
