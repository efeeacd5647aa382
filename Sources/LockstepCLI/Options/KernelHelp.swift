import LockstepCompute

/// Texts about the compute library's kernels, for the help of several commands.
enum KernelHelp {
    static let names = NumericKernel.allCases.map(\.rawValue).joined(separator: ", ")
}
