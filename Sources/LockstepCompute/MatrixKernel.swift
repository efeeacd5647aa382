import CBLAS

/// The instruction set of the inner loops that multiply matrices, the library's and our own for small matrices.
///
/// The kernel is part of a run's arithmetic: two kernels round differently, so a run keeps its first kernel.
package enum MatrixKernel: String, CaseIterable, Codable, Sendable {
    /// SSE4.2.
    case nehalem
    /// AVX.
    case sandybridge
    /// AVX2 and FMA: every PC of the last decade runs it.
    case haswell
    /// AVX-512.
    case skylakex

    /// The kernel that every AVX2 machine runs with the same bits: its hashes can be printed in documentation.
    package static let portable = MatrixKernel.haswell

    /// The kernels that this CPU runs, the slowest first.
    package static var supported: [MatrixKernel] {
        allCases.filter(\.isSupported)
    }

    /// The fastest kernel that this CPU runs.
    package static var best: MatrixKernel? {
        supported.last
    }

    /// Whether this CPU and its operating system run the kernel. If not, a product would end the process with an illegal
    /// instruction.
    package var isSupported: Bool {
        switch self {
        case .nehalem: lockstep_cpu_runs_nehalem() != 0
        case .sandybridge: lockstep_cpu_runs_sandybridge() != 0
        case .haswell: lockstep_cpu_runs_haswell() != 0
        case .skylakex: lockstep_cpu_runs_skylakex() != 0
        }
    }

    /// The instructions that the kernel needs, in words.
    var requirement: String {
        switch self {
        case .nehalem: "SSE4.2"
        case .sandybridge: "AVX"
        case .haswell: "AVX2 and FMA"
        case .skylakex: "AVX-512 (F, BW, DQ, VL, CD)"
        }
    }

    /// Parses the value of `--kernel`: `auto`, `portable` or a kernel's name.
    ///
    /// - Throws: ``ComputeError/unknownKernel(_:)``, ``ComputeError/unsupportedKernel(_:)`` or, for `auto`,
    ///   ``ComputeError/noKernel``.
    package static func resolve(_ text: String) throws(ComputeError) -> MatrixKernel {
        let kernel: MatrixKernel
        switch text {
        case "auto":
            guard let best else { throw .noKernel }
            return best
        case "portable":
            kernel = portable
        default:
            guard let named = MatrixKernel(rawValue: text) else { throw .unknownKernel(text) }
            kernel = named
        }
        return try kernel.checked()
    }

    /// The kernel itself, if this CPU runs it.
    ///
    /// - Throws: ``ComputeError/unsupportedKernel(_:)``.
    package func checked() throws(ComputeError) -> MatrixKernel {
        guard isSupported else { throw .unsupportedKernel(self) }
        return self
    }
}
