extension Philox {
    /// The words at a position and at those after it, which differ in their draw: word w of the i-th in
    /// `words[w * count + i]`.
    ///
    /// The same numbers as ``words(at:)``, in a plain loop that the compiler vectorises.
    package func fill(_ words: UnsafeMutablePointer<UInt32>, from position: RandomPosition, count: Int) {
        let (words1, words2, words3) = (words + count, words + 2 * count, words + 3 * count)
        for i in 0..<count {
            var (x0, x1) = (position.purpose.rawValue, position.epoch)
            var (x2, x3) = (position.sample, position.draw &+ UInt32(truncatingIfNeeded: i))
            var (k0, k1) = (key.low, key.high)
            for _ in 0..<10 {
                let p0 = UInt64(0xD251_1F53) &* UInt64(x0)
                let p1 = UInt64(0xCD9E_8D57) &* UInt64(x2)
                (x0, x1, x2, x3) = (
                    UInt32(truncatingIfNeeded: p1 &>> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: p1),
                    UInt32(truncatingIfNeeded: p0 &>> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: p0)
                )
                k0 &+= 0x9E37_79B9
                k1 &+= 0xBB67_AE85
            }
            words[i] = x0
            words1[i] = x1
            words2[i] = x2
            words3[i] = x3
        }
    }
}
