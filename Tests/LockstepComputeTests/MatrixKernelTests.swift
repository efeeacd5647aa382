import LockstepCompute
import Testing

@Suite("Choice of the kernel")
struct MatrixKernelTests {
    @Test("auto is the best that this CPU runs")
    func auto() throws {
        let best = try #require(MatrixKernel.best)
        #expect(try MatrixKernel.resolve("auto") == best)
        #expect(best == MatrixKernel.supported.last)
    }

    @Test("a CPU that runs a kernel runs all slower kernels")
    func supportIsNested() {
        let count = MatrixKernel.supported.count
        #expect(MatrixKernel.supported == Array(MatrixKernel.allCases.prefix(count)))
    }

    @Test("a name gives the kernel, or the instructions that the CPU lacks", arguments: MatrixKernel.allCases)
    func name(kernel: MatrixKernel) throws {
        if kernel.isSupported {
            #expect(try MatrixKernel.resolve(kernel.rawValue) == kernel)
        } else {
            #expect(throws: ComputeError.unsupportedKernel(kernel)) { try MatrixKernel.resolve(kernel.rawValue) }
        }
    }

    @Test("portable is the kernel of AVX2 machines")
    func portable() throws {
        #expect(MatrixKernel.portable == .haswell)
        if MatrixKernel.portable.isSupported {
            #expect(try MatrixKernel.resolve("portable") == .haswell)
        }
    }

    @Test(
        "an unknown name is refused with those that are known",
        arguments: ["hasswell", "HASWELL", "", "zen", String(repeating: "haswell", count: 9)])
    func unknownName(text: String) {
        let error = #expect(throws: ComputeError.self) { try MatrixKernel.resolve(text) }
        #expect(
            error?.description
                == "kernel \"\(text)\" is unknown: choose one of auto, portable, nehalem, sandybridge, haswell, skylakex"
        )
    }

    @Test(
        "every error is one line that names a remedy",
        arguments: [
            (ComputeError.unsupportedKernel(.skylakex), "--kernel auto"), (.noKernel, "newer machine"),
            (.libraryNotFound(reason: "no such file"), "scripts/install-dependencies"),
            (.missingSymbol("cblas_sgemm"), "libopenblas0-pthread"),
            (.wrongKernel(asked: .haswell, got: "Prescott"), "libopenblas0-pthread"),
            (.alreadyOpen(.haswell, asked: .skylakex), "another process"),
            (.wrongResults(.skylakex), "--kernel portable"),
        ])
    func remedy(error: ComputeError, remedy: String) {
        #expect(error.description.contains(remedy))
        #expect(!error.description.contains("\n"))
    }
}
