import LockstepCompute
import Testing

@Suite("Choice of the kernel")
struct NumericKernelTests {
    @Test("auto is the best that this CPU runs")
    func auto() throws {
        let best = try #require(NumericKernel.best)
        #expect(try NumericKernel.resolve("auto") == best)
        #expect(best == NumericKernel.supported.last)
    }

    @Test("a CPU that runs a kernel runs all slower kernels")
    func supportIsNested() {
        let count = NumericKernel.supported.count
        #expect(NumericKernel.supported == Array(NumericKernel.allCases.prefix(count)))
    }

    @Test("a name gives the kernel, or the instructions that the CPU lacks", arguments: NumericKernel.allCases)
    func name(kernel: NumericKernel) throws {
        if kernel.isSupported {
            #expect(try NumericKernel.resolve(kernel.rawValue) == kernel)
        } else {
            #expect(throws: ComputeError.unsupportedKernel(kernel)) { try NumericKernel.resolve(kernel.rawValue) }
        }
    }

    @Test("portable is the kernel of AVX2 machines")
    func portable() throws {
        #expect(NumericKernel.portable == .avx2)
        if NumericKernel.portable.isSupported {
            #expect(try NumericKernel.resolve("portable") == .avx2)
        }
    }

    @Test(
        "an unknown name is refused with those that are known",
        arguments: ["avx", "AVX2", "", "zen", String(repeating: "avx2", count: 9)])
    func unknownName(text: String) {
        let error = #expect(throws: ComputeError.self) { try NumericKernel.resolve(text) }
        #expect(
            error?.description
                == "kernel \"\(text)\" is unknown: choose one of auto, portable, avx2, avx512"
        )
    }

    @Test("a kernel of OpenBLAS is refused by its name", arguments: ["nehalem", "sandybridge", "haswell", "skylakex"])
    func formerKernel(name: String) {
        let error = #expect(throws: ComputeError.formerKernel(name)) { try NumericKernel.resolve(name) }
        #expect(error?.description.contains("kernel \(name) belongs to OpenBLAS") == true)
    }

    @Test(
        "every error is one line that names a remedy",
        arguments: [
            (ComputeError.unsupportedKernel(.avx512), "--kernel auto"), (.noKernel, "x86-64 machine"),
            (.libraryNotFound(reason: "no such file"), "scripts/install-dependencies"),
            (.formerKernel("haswell"), "start the run anew"),
            (.missingSymbol("dnnl_sgemm"), "libdnnl2"),
            (.wrongKernel(asked: .avx2, isa: 1), "libdnnl2"),
            (.alreadyOpen(.avx2, asked: .avx512), "another process"),
            (.convolutionsNeedVersion2(found: "3.2.0"), "libdnnl2"),
            (
                .unsupportedConvolution(
                    Convolution.Geometry(
                        inputChannels: 1, inputRows: 28, inputColumns: 28, filters: 4, kernelRows: 3, kernelColumns: 20),
                    rows: 8), "filters of at most 13 columns"
            ),
            (.libraryFailed("dnnl_memory_create", status: 1), "free some memory"),
            (.wrongResults(.avx512), "--kernel portable"),
        ])
    func remedy(error: ComputeError, remedy: String) {
        #expect(error.description.contains(remedy))
        #expect(!error.description.contains("\n"))
    }
}
