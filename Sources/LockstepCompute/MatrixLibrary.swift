import CBLAS
import LockstepSystem

#if canImport(Glibc)
    import Glibc
#endif

/// A network's matrix products, on one thread, with one kernel: the only part of the arithmetic that depends on the CPU.
///
/// OpenBLAS computes large products; ``SmallProducts`` computes products of few rows or few neurons.
///
/// A linked OpenBLAS would pick its kernel before `main`, so it is opened with dlopen once the run's kernel is known. It
/// reads the kernel's name from the environment while it loads, once per process.
package final class MatrixLibrary: @unchecked Sendable {
    package let kernel: MatrixKernel
    /// The library's name, version and build, and its kernel.
    package let description: String
    private let sgemm: SGEMM
    /// Computes small products; nil if the kernel's instructions don't allow it.
    let small: SmallProducts?

    /// `cblas_sgemm`: C = alpha op(A) op(B) + beta C; after each matrix comes the length of its rows.
    private typealias SGEMM =
        @convention(c) (
            CBLAS_ORDER, CBLAS_TRANSPOSE, CBLAS_TRANSPOSE, CInt, CInt, CInt, Float, UnsafePointer<Float>, CInt,
            UnsafePointer<Float>, CInt, Float, UnsafeMutablePointer<Float>, CInt
        ) -> Void

    /// Not `libblas.so.3`, which is a Debian alternative and may be any library.
    package static let standardCandidates = [
        "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0", "libopenblas.so.0",
    ]

    private static let opened = Locked<MatrixLibrary?>(nil)

    /// Opens the library with `kernel` on one thread; returns the same instance every time.
    ///
    /// The first call sets environment variables that the library reads: it must happen before other threads start.
    ///
    /// - Parameters:
    ///   - kernel: The kernel; checked against the CPU before the library is loaded.
    ///   - candidates: Paths and sonames; the first that can be opened is used.
    /// - Returns: The process's one library.
    /// - Throws: ``ComputeError`` if the CPU does not run the kernel, there is no library, it computes wrong results, or
    ///   this process has opened it with another kernel.
    package static func open(
        _ kernel: MatrixKernel, searching candidates: [String] = standardCandidates
    ) throws(ComputeError) -> MatrixLibrary {
        try opened.withLock { library throws(ComputeError) in
            if let library {
                guard library.kernel == kernel else { throw .alreadyOpen(library.kernel, asked: kernel) }
                return library
            }
            let new = try MatrixLibrary(loading: kernel.checked(), searching: candidates)
            library = new
            return new
        }
    }

    /// The library that this process has opened; nil before.
    package static var current: MatrixLibrary? {
        opened.withLock { $0 }
    }

    private init(loading kernel: MatrixKernel, searching candidates: [String]) throws(ComputeError) {
        let handle = try Self.load(kernel, searching: candidates)
        func function<T>(_ name: String, as type: T.Type) throws(ComputeError) -> T {
            guard let symbol = dlsym(handle, name) else { throw .missingSymbol(name) }
            return unsafeBitCast(symbol, to: type)
        }
        let setThreads = try function("openblas_set_num_threads", as: (@convention(c) (CInt) -> Void).self)
        let coreName = try function("openblas_get_corename", as: (@convention(c) () -> UnsafePointer<CChar>?).self)
        let config = try function("openblas_get_config", as: (@convention(c) () -> UnsafePointer<CChar>?).self)
        sgemm = try function("cblas_sgemm", as: SGEMM.self)
        self.kernel = kernel
        small = SmallProducts(kernel)

        setThreads(1)
        let core = coreName().map { String(cString: $0) } ?? "unknown"
        guard core.lowercased() == kernel.rawValue else { throw .wrongKernel(asked: kernel, got: core) }
        description = (config().map { String(cString: $0) } ?? "OpenBLAS") + ", kernel \(core), one thread"
        guard computesRightResults() else { throw .wrongResults(kernel) }
    }

    /// Opens the first OpenBLAS found, with environment variables of our choice.
    private static func load(
        _ kernel: MatrixKernel, searching candidates: [String]
    ) throws(ComputeError) -> UnsafeMutableRawPointer {
        setenv("OPENBLAS_CORETYPE", kernel.rawValue, 1)
        setenv("OPENBLAS_NUM_THREADS", "1", 1)
        // The size of OpenBLAS's blocks depends on these: fixed values give the same bits on every machine.
        setenv("OPENBLAS_L2_SIZE", "512", 1)
        for name in ["OPENBLAS_BLOCK_FACTOR", "GOTO_BLOCK_FACTOR"] { unsetenv(name) }

        var reason = "no path to search"
        for path in candidates {
            if let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) { return handle }
            reason = dlerror().map { String(cString: $0) } ?? path
        }
        throw .libraryNotFound(reason: reason)
    }

    /// `C[rows, outputs] = A[rows, inputs] · W[outputs, inputs]ᵀ`: a layer's weighted inputs, all matrices row-major.
    package func forward(
        rows: Int, outputs: Int, inputs: Int, a: UnsafePointer<Float>, w: UnsafePointer<Float>,
        into c: UnsafeMutablePointer<Float>
    ) {
        if let small, SmallProducts.suitDotProducts(rows: rows, columns: outputs, depth: inputs) {
            small.dotProducts(rows: rows, columns: outputs, depth: inputs, a, w, into: c)
            return
        }
        sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, CInt(rows), CInt(outputs), CInt(inputs), 1, a, CInt(inputs), w,
            CInt(inputs), 0, c, CInt(outputs))
    }

    /// `G[outputs, inputs] = D[rows, outputs]ᵀ · A[rows, inputs]`: the gradient of a layer's weights, summed over the
    /// rows, all matrices row-major.
    ///
    /// With `accumulating`, the product is added to the content of `g`.
    package func weightGradient(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, a: UnsafePointer<Float>,
        accumulating: Bool, into g: UnsafeMutablePointer<Float>
    ) {
        if let small, SmallProducts.suitCombinations(rows: outputs, depth: rows) {
            small.rowCombinations(
                rows: outputs, columns: inputs, depth: rows, d, rowStride: 1, step: outputs, a,
                accumulating: accumulating, into: g)
            return
        }
        sgemm(
            CblasRowMajor, CblasTrans, CblasNoTrans, CInt(outputs), CInt(inputs), CInt(rows), 1, d, CInt(outputs), a,
            CInt(inputs), accumulating ? 1 : 0, g, CInt(inputs))
    }

    /// `E[rows, inputs] = D[rows, outputs] · W[outputs, inputs]`: the errors of a layer's inputs, from the errors of its
    /// outputs; all matrices row-major.
    package func backward(
        rows: Int, outputs: Int, inputs: Int, d: UnsafePointer<Float>, w: UnsafePointer<Float>,
        into e: UnsafeMutablePointer<Float>
    ) {
        if let small, SmallProducts.suitCombinations(rows: rows, depth: outputs) {
            small.rowCombinations(
                rows: rows, columns: inputs, depth: outputs, d, rowStride: outputs, step: 1, w,
                accumulating: false, into: e)
            return
        }
        sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, CInt(rows), CInt(inputs), CInt(outputs), 1, d, CInt(outputs), w,
            CInt(inputs), 0, e, CInt(inputs))
    }
}

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
