import CProcessor

/// A thread's treatment of subnormal numbers (magnitudes below 1.2e-38) in vector arithmetic.
///
/// Arithmetic with subnormals is a hundred times slower, and a network with saturated units has many of them: errors
/// times a(1 - a). So all arithmetic on the way to the weights treats them as zero, in operands and in results. This is
/// part of the definition of a gradient: every thread that computes one enters the mode.
package struct FloatingPointMode {
    private let previous: UInt32

    /// "Flush to zero" and "denormals are zero" of the register MXCSR; Intel 64 and IA-32 Architectures Software
    /// Developer's Manual, volume 1, 10.2.3.
    private static let flags: UInt32 = 0x8040

    /// Makes the calling thread treat subnormal numbers as zero until ``restore()``.
    package static func flushSubnormals() -> FloatingPointMode {
        let register = lockstep_control_register()
        if register & flags != flags { lockstep_set_control_register(register | flags) }
        return FloatingPointMode(previous: register)
    }

    /// Restores the calling thread's previous mode.
    package func restore() {
        if previous & Self.flags != Self.flags { lockstep_set_control_register(previous) }
    }
}
