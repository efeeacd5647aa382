/// Why the matrix library cannot be used.
package enum ComputeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `--kernel` is not the name of a kernel.
    case unknownKernel(String)
    /// This CPU lacks the instructions of the requested kernel.
    case unsupportedKernel(MatrixKernel)
    /// This CPU runs none of the kernels.
    case noKernel
    /// No path leads to an OpenBLAS library; `reason` is the dynamic linker's message.
    case libraryNotFound(reason: String)
    /// The library lacks a required function.
    case missingSymbol(String)
    /// The library chose another kernel than the requested one.
    case wrongKernel(asked: MatrixKernel, got: String)
    /// This process has already opened the library with another kernel.
    case alreadyOpen(MatrixKernel, asked: MatrixKernel)
    /// This build of the library computes wrong products on this CPU.
    case wrongResults(MatrixKernel)

    package var description: String {
        switch self {
        case .unknownKernel(let name):
            let names = (["auto", "portable"] + MatrixKernel.allCases.map(\.rawValue)).joined(separator: ", ")
            return "kernel \"\(name)\" is unknown: choose one of \(names)"
        case .unsupportedKernel(let kernel):
            let names = MatrixKernel.supported.map(\.rawValue).joined(separator: ", ")
            return "kernel \(kernel.rawValue): this CPU does not have \(kernel.requirement); "
                + "use --kernel auto, or one of: \(names)"
        case .noKernel:
            return "matrix library: this CPU lacks even \(MatrixKernel.nehalem.requirement); use a newer machine"
        case .libraryNotFound(let reason):
            return "matrix library OpenBLAS cannot be opened (\(reason)); "
                + "install Debian's libopenblas0-pthread, or run scripts/install-dependencies"
        case .missingSymbol(let symbol):
            return "matrix library: OpenBLAS has no function \(symbol); install Debian's libopenblas0-pthread"
        case .wrongKernel(let asked, let got):
            return "matrix library: OpenBLAS chose its kernel \(got) instead of \(asked.rawValue); "
                + "install Debian's libopenblas0-pthread, which has all kernels, or use another --kernel"
        case .alreadyOpen(let kernel, let asked):
            return "kernel \(asked.rawValue): this process already computes with kernel \(kernel.rawValue); "
                + "start another process for it"
        case .wrongResults(let kernel):
            return "matrix library: this OpenBLAS computes wrong results on this CPU with kernel \(kernel.rawValue); "
                + "use --kernel portable, or a newer OpenBLAS"
        }
    }
}
