extension MatrixLibrary {
    /// Measures this machine's peak speed at matrix products on one core, in floating-point operations per second.
    ///
    /// - Parameter clock: Returns the current time in nanoseconds.
    /// - Returns: The fastest of ten products of 768 x 768 matrices, which fill the caches.
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
