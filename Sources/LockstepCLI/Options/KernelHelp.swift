import LockstepCompute

/// Texts about the matrix library's kernels, for the help of several commands.
enum KernelHelp {
    static let names = MatrixKernel.allCases.map(\.rawValue).joined(separator: ", ")
}
