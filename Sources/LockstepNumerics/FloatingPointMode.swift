import CProcessor

/// How a thread's vector arithmetic treats subnormal numbers, those below 1.2e-38.
///
/// A processor takes a hundred times as long for them, and a network with saturated units is full of them: errors times
/// a(1 - a). So all arithmetic on the way to the weights takes them as zero, in operands and in results. That is part of
/// its definition: whoever computes, enters the mode.
package struct FloatingPointMode {
    private let previous: UInt32

    /// "Flush to zero" and "denormals are zero" of the register MXCSR; Intel 64 and IA-32 Architectures Software
    /// Developer's Manual, volume 1, 10.2.3.
    private static let flags: UInt32 = 0x8040

    /// Has the calling thread take subnormal numbers as zero until ``restore()``; what is called there, too.
    package static func flushSubnormals() -> FloatingPointMode {
        let register = lockstep_control_register()
        if register & flags != flags { lockstep_set_control_register(register | flags) }
        return FloatingPointMode(previous: register)
    }

    /// Gives the calling thread the mode that it had before.
    package func restore() {
        if previous & Self.flags != Self.flags { lockstep_set_control_register(previous) }
    }
}
