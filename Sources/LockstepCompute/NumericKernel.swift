import COneDNN

/// The instruction set of the inner loops that multiply matrices and convolve images, the library's and our own.
///
/// The kernel is part of a run's arithmetic: two kernels round differently, so a run keeps its first kernel.
package enum NumericKernel: String, CaseIterable, Codable, Sendable {
    /// AVX2 and FMA: every PC of the last decade runs it.
    case avx2
    /// AVX-512.
    case avx512

    /// The kernel that every AVX2 machine runs with the same bits: its hashes can be printed in documentation.
    package static let portable = NumericKernel.avx2

    /// Kernels of OpenBLAS, with which version 1 computed large products: other bits. A run with one of them cannot be
    /// continued.
    package static let formerNames = ["nehalem", "sandybridge", "haswell", "skylakex"]

    /// The kernels that this CPU runs, the slowest first.
    package static var supported: [NumericKernel] {
        allCases.filter(\.isSupported)
    }

    /// The fastest kernel that this CPU runs.
    package static var best: NumericKernel? {
        supported.last
    }

    /// Whether this CPU and its operating system run the kernel. If not, a product would end the process with an illegal
    /// instruction.
    package var isSupported: Bool {
        switch self {
        case .avx2: lockstep_cpu_runs_avx2() != 0
        case .avx512: lockstep_cpu_runs_avx512() != 0
        }
    }

    /// The instructions that the kernel needs, in words.
    var requirement: String {
        switch self {
        case .avx2: "AVX2 and FMA"
        case .avx512: "AVX-512 (F, BW, DQ, VL, CD)"
        }
    }

    /// Parses the value of `--kernel`: `auto`, `portable` or a kernel's name.
    ///
    /// - Throws: ``ComputeError/unknownKernel(_:)``, ``ComputeError/formerKernel(_:)``,
    ///   ``ComputeError/unsupportedKernel(_:)`` or, for `auto`, ``ComputeError/noKernel``.
    package static func resolve(_ text: String) throws(ComputeError) -> NumericKernel {
        let kernel: NumericKernel
        switch text {
        case "auto":
            guard let best else { throw .noKernel }
            return best
        case "portable":
            kernel = portable
        default:
            guard let named = NumericKernel(rawValue: text) else {
                throw formerNames.contains(text) ? .formerKernel(text) : .unknownKernel(text)
            }
            kernel = named
        }
        return try kernel.checked()
    }

    /// The kernel itself, if this CPU runs it.
    ///
    /// - Throws: ``ComputeError/unsupportedKernel(_:)``.
    package func checked() throws(ComputeError) -> NumericKernel {
        guard isSupported else { throw .unsupportedKernel(self) }
        return self
    }
}
