/// Why the compute library cannot be used.
package enum ComputeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `--kernel` is not the name of a kernel.
    case unknownKernel(String)
    /// `--kernel` is the name of a kernel that another library had.
    case formerKernel(String)
    /// This CPU lacks the instructions of the requested kernel.
    case unsupportedKernel(NumericKernel)
    /// This CPU runs none of the kernels.
    case noKernel
    /// No path leads to a oneDNN library; `reason` is the dynamic linker's message.
    case libraryNotFound(reason: String)
    /// The system does not give the library the memory that it needs, in bytes.
    case outOfMemory(bytes: Int)
    /// The library lacks a required function.
    case missingSymbol(String)
    /// The library uses other instructions than the kernel's; `isa` is its number of them.
    case wrongKernel(asked: NumericKernel, isa: Int)
    /// This process already computes with another kernel.
    case alreadyOpen(NumericKernel, asked: NumericKernel)
    /// Convolutions need version 2 of the library; `found` is the version that was opened.
    case convolutionsNeedVersion2(found: String)
    /// The library has no direct algorithm for blocks of so many rows of this convolution.
    case unsupportedConvolution(Convolution.Geometry, rows: Int)
    /// A function of the library failed with this status.
    case libraryFailed(String, status: Int)
    /// This build of the library computes wrong results on this CPU.
    case wrongResults(NumericKernel)

    package var description: String {
        switch self {
        case .unknownKernel(let name):
            let names = (["auto", "portable"] + NumericKernel.allCases.map(\.rawValue)).joined(separator: ", ")
            return "kernel \"\(name)\" is unknown: choose one of \(names)"
        case .formerKernel(let name):
            let names = NumericKernel.allCases.map(\.rawValue).joined(separator: ", ")
            return "kernel \(name) belongs to OpenBLAS, with which earlier versions computed: this version's kernels "
                + "are \(names), and their results have other bits; start the run anew"
        case .unsupportedKernel(let kernel):
            let names = NumericKernel.supported.map(\.rawValue).joined(separator: ", ")
            return "kernel \(kernel.rawValue): this CPU does not have \(kernel.requirement); "
                + "use --kernel auto" + (names.isEmpty ? "" : ", or one of: \(names)")
        case .noKernel:
            return "no kernel: this CPU lacks \(NumericKernel.avx2.requirement); use an x86-64 machine that has them "
                + "(Intel since 2013, AMD since 2015)"
        case .libraryNotFound(let reason):
            return "compute library oneDNN cannot be opened (\(reason)); "
                + "install Debian's libdnnl2, or run scripts/install-dependencies"
        case .outOfMemory(let bytes):
            return
                "compute library: oneDNN needs \(bytes >> 20) MiB of address space, which the system refuses; raise the "
                + "limit (ulimit -v), or free some memory"
        case .missingSymbol(let symbol):
            return "compute library: oneDNN has no function \(symbol); install Debian's libdnnl2"
        case .wrongKernel(let asked, let isa):
            return "compute library: oneDNN uses other instructions (0x\(String(isa, radix: 16))) than kernel "
                + "\(asked.rawValue); use another --kernel, or Debian's libdnnl2"
        case .alreadyOpen(let kernel, let asked):
            return "kernel \(asked.rawValue): this process already computes with kernel \(kernel.rawValue); "
                + "start another process for it"
        case .convolutionsNeedVersion2(let found):
            return "compute library: convolutions need oneDNN 2, and this is oneDNN \(found); install Debian's libdnnl2"
        case .unsupportedConvolution(let geometry, let rows):
            return "compute library: oneDNN has no direct algorithm for \(geometry), in blocks of \(rows) rows; use "
                + "filters of at most \(Convolution.Geometry.maximumKernelColumns) columns, and smaller images"
        case .libraryFailed(let function, let status):
            return "compute library: oneDNN's \(function) failed with status \(status); free some memory, or install "
                + "Debian's libdnnl2"
        case .wrongResults(let kernel):
            return "compute library: this oneDNN computes wrong results on this CPU with kernel \(kernel.rawValue); "
                + "use --kernel portable, or another version of oneDNN"
        }
    }
}
