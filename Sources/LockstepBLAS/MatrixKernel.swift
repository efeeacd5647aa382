/// The instruction-set variant of the matrix library's inner loops.
///
/// It is part of a run's arithmetic: two kernels round differently, so a run keeps the one it started with.
package enum MatrixKernel: String, CaseIterable, Codable, Sendable {
    /// SSE4.2.
    case nehalem
    /// AVX.
    case sandybridge
    /// AVX2 and FMA: what every PC of the last decade runs.
    case haswell
    /// AVX-512.
    case skylakex

    /// The kernel whose hashes can be compared between machines and printed in documentation.
    package static let portable = MatrixKernel.haswell
}
