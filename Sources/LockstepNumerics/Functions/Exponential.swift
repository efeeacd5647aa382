import CKernels

/// exp(x) with the same bits on every CPU.
///
/// Relative error at most 1.2e-7 for -87 <= x <= 88.37; below -87 the result is exp(-87) = 1.6e-38, from 88.38 on it is
/// infinity. NaN stays NaN. Defined in C, so that C loops over it are compiled for the processor's vectors.
@inline(__always)
package func exponential(_ x: Float) -> Float {
    lockstep_exponential(x)
}

/// `values = exp(values)`, element by element; see ``exponential(_:)``.
package func applyExponential(_ values: UnsafeMutablePointer<Float>, count: Int) {
    lockstep_apply_exponential(values, count)
}
