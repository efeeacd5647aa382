import LockstepCompute

/// The instructions that compute matrix products: the only part of the arithmetic that depends on the processor.
///
/// Two kernels round differently, so their networks differ in the last bits. A process has one kernel: the first that
/// it uses.
public enum Kernel: Sendable {
    /// The fastest kernel that this processor runs.
    case automatic
    /// AVX2, which every PC of the last decade has: the same weights on each of them.
    case portable

    /// Chooses this process's kernel, before anything is trained or evaluated. The default is ``automatic``.
    ///
    /// - Throws: ``LockstepError`` of the kind `kernel` if this processor does not run it, the compute library is not
    ///   installed, or another kernel is in use already.
    public func select() throws(LockstepError) {
        try withPublicErrors {
            switch self {
            case .automatic: _ = try ComputeLibrary.inUse()
            case .portable: _ = try ComputeLibrary.open(.portable)
            }
        }
    }
}

extension ComputeLibrary {
    /// This process's library, opened with the best kernel unless ``Kernel/select()`` has chosen one.
    static func inUse() throws(ComputeError) -> ComputeLibrary {
        if let current { return current }
        return try open(NumericKernel.resolve("auto"))
    }
}
