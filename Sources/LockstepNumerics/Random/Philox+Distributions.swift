extension Philox {
    /// An integer in 0..<`bound`, exactly uniform; `bound` is at least 1.
    ///
    /// The high half of word x bound. The few words that would favour some results are rejected, and the next `draw` is
    /// tried. Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019).
    package func integer(below bound: UInt32, at position: RandomPosition) -> UInt32 {
        integer(below: bound, at: position, firstWord: words(at: position)[0])
    }

    /// The same, given the first word at `position`.
    private func integer(below bound: UInt32, at position: RandomPosition, firstWord: UInt32) -> UInt32 {
        precondition(bound > 0)
        var product = UInt64(firstWord) &* UInt64(bound)
        if UInt32(truncatingIfNeeded: product) < bound {
            var position = position
            let rejected = (0 &- bound) % bound
            while UInt32(truncatingIfNeeded: product) < rejected {
                position.draw &+= 1
                product = UInt64(words(at: position)[0]) &* UInt64(bound)
            }
        }
        return UInt32(truncatingIfNeeded: product &>> 32)
    }

    /// Shuffles by Fisher's and Yates's method (Knuth, The Art of Computer Programming, 3.4.2, algorithm P): each element
    /// i, from the last to the second, is swapped with the element at ``integer(below:at:)`` of i + 1 at the position
    /// (permutation, epoch, i).
    package func shuffle(_ elements: UnsafeMutableBufferPointer<UInt32>, epoch: UInt32) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { words in
            guard let first = words.baseAddress else { return }
            var end = elements.count
            while end > 1 {
                let start = max(1, end - words.count)
                var position = RandomPosition(
                    .permutation, epoch: epoch, sample: UInt32(truncatingIfNeeded: start))
                fillFirst(first, from: position, count: end - start)
                for i in (start..<end).reversed() {
                    position.sample = UInt32(truncatingIfNeeded: i)
                    let other = integer(
                        below: UInt32(truncatingIfNeeded: i + 1), at: position, firstWord: words[i - start])
                    elements.swapAt(i, Int(other))
                }
                end = start
            }
        }
    }

    /// A double in the open interval (0, 1): (k + 1/2) / 2^52 for a uniform k of 52 bits. Symmetric about 1/2.
    package func uniform(at position: RandomPosition) -> Double {
        let words = words(at: position)
        let bits = (UInt64(words[1]) &<< 32 | UInt64(words[0])) &>> 12
        return (Double(bits) + 0.5) * 0x1p-52
    }

    /// A Gaussian with mean 0 and variance 1, by inversion: the normal quantile of ``uniform(at:)``.
    ///
    /// Between -8.21 and 8.21, because the uniform number is at least 2^-53.
    package func standardNormal(at position: RandomPosition) -> Float {
        Float(normalQuantile(uniform(at: position)))
    }
}
