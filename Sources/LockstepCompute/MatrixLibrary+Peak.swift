extension MatrixLibrary {
    /// This machine's best at matrix products, on one core: floating-point operations a second.
    ///
    /// - Parameter clock: What time is it, in nanoseconds?
    /// - Returns: The best of several products of 768 x 768 matrices, which fill the caches but not the memory.
    package func peakFlopsPerSecond(clock: () -> UInt64) -> Double {
        let size = 768
        let a = [Float](repeating: 1.5, count: size * size)
        let w = [Float](repeating: 0.25, count: size * size)
        var c = [Float](repeating: 0, count: size * size)
        var best = UInt64.max
        for _ in 0..<10 {
            let start = clock()
            forward(rows: size, outputs: size, inputs: size, a: a, w: w, into: &c)
            best = min(best, clock() - start)
        }
        return 2 * Double(size * size * size) / (Double(max(1, best)) * 1e-9)
    }
}
