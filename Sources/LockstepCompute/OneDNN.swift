import COneDNN
import Glibc
import LockstepSystem

/// The library oneDNN, on one thread, restricted to one kernel's instructions.
///
/// A linked library would read its environment before `main`, so it is opened with dlopen once the run's kernel is known,
/// and only in processes that need it: many networks are computed by ``SmallProducts`` alone.
final class OneDNN: @unchecked Sendable {
    /// `dnnl_sgemm`: C = alpha op(A) op(B) + beta C, row-major; after each matrix comes the length of its rows. Versions 2
    /// and 3 have the same function.
    private typealias SGEMM =
        @convention(c) (
            CChar, CChar, Int64, Int64, Int64, Float, UnsafePointer<Float>, Int64, UnsafePointer<Float>, Int64, Float,
            UnsafeMutablePointer<Float>, Int64
        ) -> CInt

    static let standardCandidates = ["libdnnl.so.2", "libdnnl.so.3"]

    /// The library's version, and its instructions.
    let description: String
    private let sgemm: SGEMM
    private let handle: UnsafeMutableRawPointer
    private let version: dnnl_version_t?
    private let openedPrimitives = Locked<OneDNNPrimitives?>(nil)

    /// Opens the first oneDNN found, with environment variables of our choice.
    ///
    /// - Parameters:
    ///   - kernel: A kernel that this CPU runs.
    ///   - candidates: Paths and sonames.
    /// - Throws: ``ComputeError`` if there is no library, it lacks a function, or it does not use the kernel's instructions.
    init(_ kernel: NumericKernel, searching candidates: [String]) throws(ComputeError) {
        Self.prepareEnvironment(kernel)
        let handle = try Self.open(candidates)
        func function<T>(_ name: String, as type: T.Type) throws(ComputeError) -> T {
            guard let symbol = dlsym(handle, name) else { throw .missingSymbol(name) }
            return unsafeBitCast(symbol, to: type)
        }
        sgemm = try function("dnnl_sgemm", as: SGEMM.self)
        let version = try function("dnnl_version", as: (@convention(c) () -> UnsafePointer<dnnl_version_t>?).self)
        let effectiveISA = try function("dnnl_get_effective_cpu_isa", as: (@convention(c) () -> CInt).self)
        let isa = Int(effectiveISA())
        guard isa == kernel.isa else { throw .wrongKernel(asked: kernel, isa: isa) }
        self.handle = handle
        self.version = version()?.pointee
        description = "oneDNN \(self.version?.text ?? "of unknown version"), kernel \(kernel.rawValue), one thread"
    }

    /// The interface of primitives, for convolutions.
    ///
    /// - Throws: ``ComputeError`` if the library is not version 2, or lacks a function.
    func primitives() throws(ComputeError) -> OneDNNPrimitives {
        try openedPrimitives.withLock { opened throws(ComputeError) in
            if let opened { return opened }
            guard let version, version.major == 2 else {
                throw .convolutionsNeedVersion2(found: version?.text ?? "of unknown version")
            }
            let new = try OneDNNPrimitives(library: handle)
            opened = new
            return new
        }
    }

    /// Bytes of the library's code and of its buffers for one thread, with room for those that it makes later.
    private static let addressSpace = 192 << 20

    private static func open(_ candidates: [String]) throws(ComputeError) -> UnsafeMutableRawPointer {
        // A library that finds no memory while it loads ends the process.
        guard ResourceLimit.canMap(bytes: addressSpace) else { throw .outOfMemory(bytes: addressSpace) }
        var reason = "no path to search"
        for path in candidates {
            if let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) { return handle }
            reason = dlerror().map { String(cString: $0) } ?? path
        }
        throw .libraryNotFound(reason: reason)
    }

    /// Sets what oneDNN and its OpenMP read while they load, so that the user's environment changes neither bits nor
    /// threads nor output.
    private static func prepareEnvironment(_ kernel: NumericKernel) {
        for prefix in ["ONEDNN_", "DNNL_"] {
            setenv(prefix + "MAX_CPU_ISA", kernel.nameInOneDNN, 1)
            setenv(prefix + "DEFAULT_FPMATH_MODE", "STRICT", 1)
            for name in ["CPU_ISA_HINTS", "VERBOSE", "VERBOSE_TIMESTAMP", "JIT_DUMP", "JIT_PROFILE", "JITDUMPDIR"] {
                unsetenv(prefix + name)
            }
        }
        // Products of two threads have other bits than those of one.
        setenv("OMP_NUM_THREADS", "1", 1)
        // These would pin the calling thread to a core, or print.
        for name in ["OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "OMP_DISPLAY_ENV", "OMP_DISPLAY_AFFINITY"] {
            unsetenv(name)
        }
    }

    /// `C[rows, columns] = op(A) · op(B)`, added to the content of `c` if `accumulating`; `depth` is the length of the sums.
    ///
    /// `transposesA`: A is [depth, rows] instead of [rows, depth]; `transposesB`: B is [columns, depth] instead of
    /// [depth, columns]. All matrices are row-major.
    func multiply(
        rows: Int, columns: Int, depth: Int, _ a: UnsafePointer<Float>, transposesA: Bool = false,
        _ b: UnsafePointer<Float>, transposesB: Bool = false, accumulating: Bool = false,
        into c: UnsafeMutablePointer<Float>
    ) {
        let (plain, transposed) = (CChar(0x4E), CChar(0x54))
        let status = sgemm(
            transposesA ? transposed : plain, transposesB ? transposed : plain, Int64(rows), Int64(columns),
            Int64(depth), 1, a, Int64(transposesA ? rows : depth), b, Int64(transposesB ? depth : columns),
            accumulating ? 1 : 0, c, Int64(columns))
        // Other statuses than success tell of impossible arguments, which would be our mistake, or of no memory.
        guard status == 0 else { fatalError("oneDNN refused a product of \(rows) x \(columns) x \(depth): \(status)") }
    }
}

extension dnnl_version_t {
    fileprivate var text: String { "\(major).\(minor).\(patch)" }
}

extension NumericKernel {
    /// The name of its instructions in oneDNN's environment variables.
    fileprivate var nameInOneDNN: String {
        switch self {
        case .avx2: "AVX2"
        case .avx512: "AVX512_CORE"
        }
    }

    /// The number of its instructions in oneDNN.
    fileprivate var isa: Int {
        switch self {
        case .avx2: Int(dnnl_cpu_isa_avx2.rawValue)
        case .avx512: Int(dnnl_cpu_isa_avx512_core.rawValue)
        }
    }
}
