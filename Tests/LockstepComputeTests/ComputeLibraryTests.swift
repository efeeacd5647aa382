import LockstepCompute
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// All tests of this process share one library: tests that need another kernel, or none, run in their own process.
@Suite("The compute library", .enabled(if: NumericKernel.portable.isSupported, "this CPU has no AVX2"))
struct ComputeLibraryTests {
    let library: ComputeLibrary

    init() throws {
        library = try ComputeLibrary.open(.portable)
    }

    @Test("opens once")
    func once() throws {
        #expect(try ComputeLibrary.open(.portable) === library)
        #expect(library.kernel == .portable)
        let description = try library.describeOneDNN()
        #expect(description.wholeMatch(of: #/oneDNN \d+\.\d+\.\d+, kernel avx2, one thread/#) != nil)
    }

    @Test("refuses a second kernel, and keeps the first", .enabled(if: NumericKernel.avx512.isSupported))
    func secondKernel() throws {
        #expect(throws: ComputeError.alreadyOpen(.avx2, asked: .avx512)) { try ComputeLibrary.open(.avx512) }
        #expect(try ComputeLibrary.open(.portable) === library)
    }

    @Test(
        "uses the requested kernel on one thread, silently, whatever the environment says",
        arguments: NumericKernel.supported)
    func everyKernel(kernel: NumericKernel) async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [name = kernel.rawValue as String] in
            for prefix in ["ONEDNN_", "DNNL_"] {
                setenv(prefix + "MAX_CPU_ISA", "SSE41", 1)
                setenv(prefix + "VERBOSE", "2", 1)
                setenv(prefix + "DEFAULT_FPMATH_MODE", "BF16", 1)
            }
            setenv("OMP_NUM_THREADS", "2", 1)
            let library = try ComputeLibrary.open(NumericKernel.resolve(name))
            #expect(try library.describeOneDNN().hasSuffix("kernel \(name), one thread"))
            let products = try library.products(forLayersOf: [200])
            let (a, w) = ([Float](repeating: 0.5, count: 200 * 100), [Float](repeating: 0.25, count: 200 * 100))
            var c = [Float](repeating: 0, count: 200 * 200)
            products.forward(rows: 200, outputs: 200, inputs: 100, a: a, w: w, into: &c)
            #expect(c.allSatisfy { $0 == 12.5 })
            let openMP = dlsym(dlopen("libgomp.so.1", RTLD_NOW), "omp_get_max_threads")
            let maximum = unsafeBitCast(try #require(openMP), to: (@convention(c) () -> CInt).self)
            #expect(maximum() == 1)
        }
        let output = result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } ?? ""
        #expect(!output.contains("dnnl_verbose") && !output.contains("onednn_verbose"))
    }

    @Test("networks with few neurons in each layer need no library")
    func smallNetworks() async {
        await #expect(processExitsWith: .success) {
            let library = try ComputeLibrary.open(.portable, searching: [])
            let products = try library.products(forLayersOf: [30, 10])
            let (a, w) = ([Float](repeating: 0.5, count: 100 * 30), [Float](repeating: 0.25, count: 10 * 30))
            var c = [Float](repeating: 0, count: 100 * 10)
            products.forward(rows: 100, outputs: 10, inputs: 30, a: a, w: w, into: &c)
            #expect(c.allSatisfy { $0 == 3.75 })
            #expect(throws: ComputeError.libraryNotFound(reason: "no path to search")) {
                try library.products(forLayersOf: [30, 33, 10])
            }
        }
    }

    @Test(
        "a kernel that the CPU lacks is refused before anything is loaded",
        .enabled(if: NumericKernel.supported.count < NumericKernel.allCases.count, "this CPU lacks no kernel"))
    func unsupported() async {
        await #expect(processExitsWith: .success) {
            let kernel = try #require(NumericKernel.allCases.last)
            #expect(throws: ComputeError.unsupportedKernel(kernel)) { try ComputeLibrary.open(kernel, searching: []) }
        }
    }

    @Test("no library: an error with the dynamic linker's reason")
    func missingLibrary() async {
        await #expect(processExitsWith: .success) {
            let library = try ComputeLibrary.open(.portable, searching: ["/nonexistent/libdnnl.so.2"])
            let error = #expect(throws: ComputeError.self) { try library.products(forLayersOf: [100]) }
            #expect(error?.description.contains("/nonexistent/libdnnl.so.2") == true)
        }
    }

    @Test("another library: an error that names the missing function")
    func wrongLibrary() async {
        await #expect(processExitsWith: .success) {
            let library = try ComputeLibrary.open(.portable, searching: ["/nonexistent/library.so", "libc.so.6"])
            #expect(throws: ComputeError.missingSymbol("dnnl_sgemm")) { try library.products(forLayersOf: [100]) }
        }
    }
}
