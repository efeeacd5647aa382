import LockstepCompute

/// Which instructions the matrix products use: the one part of the arithmetic that depends on the processor.
///
/// Two kernels round differently, so their networks differ in the last bits. A process has one kernel, the first that
/// is used.
public enum Kernel: Sendable {
    /// The fastest that this processor runs.
    case automatic
    /// AVX2, on every PC of the last decade: the same weights on each of them.
    case portable

    /// Chooses this process's kernel, before anything is trained or evaluated. Without it, the choice is ``automatic``.
    ///
    /// - Throws: ``LockstepError`` of the kind `kernel` if this processor does not run it, the matrix library is not
    ///   installed, or another kernel is in use already.
    public func select() throws(LockstepError) {
        try withPublicErrors {
            switch self {
            case .automatic: _ = try MatrixLibrary.inUse()
            case .portable: _ = try MatrixLibrary.open(.portable)
            }
        }
    }
}

extension MatrixLibrary {
    /// The library of this process, opened with the best kernel if nobody has chosen one.
    static func inUse() throws(ComputeError) -> MatrixLibrary {
        if let current { return current }
        return try open(MatrixKernel.resolve("auto"))
    }
}
