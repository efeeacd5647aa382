import LockstepSystem
import LockstepTimeline

/// What this process computes products and convolutions with: one kernel, on one thread. It is the only part of the
/// arithmetic that depends on the CPU.
///
/// oneDNN computes large products; ``SmallProducts`` computes products of few rows or few neurons.
package final class ComputeLibrary: Sendable {
    package let kernel: NumericKernel
    private let candidates: [String]
    private let oneDNN = Locked<OneDNN?>(nil)
    private let checkedConvolutions = Locked(false)

    /// Where oneDNN is searched for.
    package static let standardCandidates = OneDNN.standardCandidates

    private static let opened = Locked<ComputeLibrary?>(nil)

    /// Chooses this process's kernel; returns the same instance every time.
    ///
    /// - Parameters:
    ///   - kernel: The kernel; checked against the CPU.
    ///   - candidates: Paths and sonames of oneDNN; the first that can be opened is used, once a network needs it.
    /// - Returns: The process's one library.
    /// - Throws: ``ComputeError`` if the CPU does not run the kernel, or this process computes with another kernel.
    package static func open(
        _ kernel: NumericKernel, searching candidates: [String] = standardCandidates
    ) throws(ComputeError) -> ComputeLibrary {
        try opened.withLock { library throws(ComputeError) in
            if let library {
                guard library.kernel == kernel else { throw .alreadyOpen(library.kernel, asked: kernel) }
                return library
            }
            let new = ComputeLibrary(try kernel.checked(), candidates)
            library = new
            return new
        }
    }

    /// The library that this process has opened; nil before.
    package static var current: ComputeLibrary? {
        opened.withLock { $0 }
    }

    private init(_ kernel: NumericKernel, _ candidates: [String]) {
        self.kernel = kernel
        self.candidates = candidates
    }

    /// The products of a network's layers. Loads oneDNN if a layer needs it: the first time before other threads read the
    /// environment, which is written then.
    ///
    /// - Parameter outputs: The neurons of each layer.
    /// - Returns: Products for these layers, and for others that are smaller.
    /// - Throws: ``ComputeError`` if oneDNN is needed and cannot be used.
    package func products(forLayersOf outputs: some Sequence<Int>) throws(ComputeError) -> MatrixProducts {
        let isLarge = outputs.contains { !SmallProducts.suitAllProducts(outputs: $0) }
        return MatrixProducts(small: SmallProducts(kernel), large: isLarge ? try loadOneDNN() : nil)
    }

    /// The channels in a block of a convolution's images: the floats in a register of the kernel.
    package var channelLanes: Int { SmallProducts(kernel).lanes.rawValue }

    /// The interface with which convolutions are made.
    ///
    /// - Throws: ``ComputeError`` if oneDNN cannot be used, or computes wrong convolutions.
    func convolutionPrimitives() throws(ComputeError) -> OneDNNPrimitives {
        let primitives = try loadOneDNN().primitives()
        try checkedConvolutions.withLock { isChecked throws(ComputeError) in
            guard !isChecked else { return }
            guard try Convolution.isRight(lanes: channelLanes, primitives) else { throw .wrongResults(kernel) }
            isChecked = true
        }
        return primitives
    }

    /// The name and version of oneDNN, and the kernel.
    ///
    /// - Throws: ``ComputeError`` if oneDNN cannot be used.
    package func describeOneDNN() throws(ComputeError) -> String { try loadOneDNN().description }

    private func loadOneDNN() throws(ComputeError) -> OneDNN {
        try oneDNN.withLock { loaded throws(ComputeError) in
            if let loaded { return loaded }
            let new = try OneDNN(kernel, searching: candidates)
            guard MatrixProducts(small: SmallProducts(kernel), large: new).areRight else { throw .wrongResults(kernel) }
            loaded = new
            return new
        }
    }
}

extension ComputeLibrary {
    /// Measures this machine's peak speed at matrix products on one core, in floating-point operations per second.
    ///
    /// - Returns: The fastest of ten products of 768 x 768 matrices, which fill the caches.
    /// - Throws: ``ComputeError`` if oneDNN cannot be used.
    package func peakFlopsPerSecond() throws(ComputeError) -> Double {
        let size = 768
        let a = [Float](repeating: 1.5, count: size * size)
        let w = [Float](repeating: 0.25, count: size * size)
        var c = [Float](repeating: 0, count: size * size)
        let products = try products(forLayersOf: [size])
        var best = Double.infinity
        for _ in 0..<10 {
            let start = Instant.now
            products.forward(rows: size, outputs: size, inputs: size, a: a, w: w, into: &c)
            best = min(best, Instant.now.seconds(since: start))
        }
        return 2 * Double(size * size * size) / max(1e-9, best)
    }
}
