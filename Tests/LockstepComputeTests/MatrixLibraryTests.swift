import LockstepCompute
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// All tests of this process share one library: tests that need another kernel, or none, run in their own process.
@Suite("The matrix library", .enabled(if: MatrixKernel.portable.isSupported, "this CPU has no AVX2"))
struct MatrixLibraryTests {
    let library: MatrixLibrary

    init() throws {
        library = try MatrixLibrary.open(.portable)
    }

    @Test("opens once")
    func once() throws {
        #expect(try MatrixLibrary.open(.portable) === library)
        #expect(library.kernel == .portable)
        #expect(library.description.contains("OpenBLAS"))
        #expect(library.description.contains("Haswell"))
    }

    @Test("refuses a second kernel, and keeps the first")
    func secondKernel() throws {
        #expect(throws: ComputeError.alreadyOpen(.haswell, asked: .nehalem)) { try MatrixLibrary.open(.nehalem) }
        #expect(try MatrixLibrary.open(.portable) === library)
    }

    @Test("uses the requested kernel, whatever the environment says", arguments: MatrixKernel.supported)
    func everyKernel(kernel: MatrixKernel) async {
        await #expect(processExitsWith: .success) { [name = kernel.rawValue as String] in
            setenv("OPENBLAS_CORETYPE", name == "nehalem" ? "Haswell" : "Nehalem", 1)
            setenv("OPENBLAS_NUM_THREADS", "2", 1)
            let library = try MatrixLibrary.open(MatrixKernel.resolve(name))
            #expect(library.description.lowercased().contains("kernel \(name)"))
        }
    }

    @Test(
        "a kernel that the CPU lacks is refused before anything is loaded",
        .enabled(if: MatrixKernel.supported.count < MatrixKernel.allCases.count, "this CPU lacks no kernel"))
    func unsupported() async {
        await #expect(processExitsWith: .success) {
            let kernel = try #require(MatrixKernel.allCases.last)
            #expect(throws: ComputeError.unsupportedKernel(kernel)) { try MatrixLibrary.open(kernel, searching: []) }
        }
    }

    @Test("no library: an error with the dynamic linker's reason")
    func missingLibrary() async {
        await #expect(processExitsWith: .success) {
            let error = #expect(throws: ComputeError.self) {
                try MatrixLibrary.open(.nehalem, searching: ["/nonexistent/libopenblas.so.0"])
            }
            #expect(error?.description.contains("/nonexistent/libopenblas.so.0") == true)
            #expect(throws: ComputeError.libraryNotFound(reason: "no path to search")) {
                try MatrixLibrary.open(.nehalem, searching: [])
            }
        }
    }

    @Test("another library: an error that names the missing function")
    func wrongLibrary() async {
        await #expect(processExitsWith: .success) {
            #expect(throws: ComputeError.missingSymbol("openblas_set_num_threads")) {
                try MatrixLibrary.open(.nehalem, searching: ["/nonexistent/library.so", "libc.so.6"])
            }
        }
    }
}
