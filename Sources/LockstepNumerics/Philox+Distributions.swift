extension Philox {
    /// An integer in 0..<`bound`, every one exactly as likely; `bound` is at least 1.
    ///
    /// The high half of word x bound, where the few words that would favour some results are rejected and `draw` moves
    /// on. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019).
    package func integer(below bound: UInt32, at position: RandomPosition) -> UInt32 {
        precondition(bound > 0)
        var position = position
        var product = UInt64(words(at: position)[0]) &* UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            let rejected = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < rejected {
                position.draw &+= 1
                product = UInt64(words(at: position)[0]) &* UInt64(bound)
            }
        }
        return UInt32(truncatingIfNeeded: product &>> 32)
    }

    /// A double in the open interval (0, 1): (k + 1/2) / 2^52 for a uniform k of 52 bits. Symmetric about 1/2.
    package func uniform(at position: RandomPosition) -> Double {
        let words = words(at: position)
        let bits = (UInt64(words[1]) &<< 32 | UInt64(words[0])) &>> 12
        return (Double(bits) + 0.5) * 0x1p-52
    }

    /// A Gaussian with mean 0 and variance 1, by inversion: the normal quantile of ``uniform(at:)``.
    ///
    /// Between -8.21 and 8.21: the uniform number is at least 2^-53.
    package func standardNormal(at position: RandomPosition) -> Float {
        Float(normalQuantile(uniform(at: position)))
    }
}
