import LockstepNumerics

/// Functions that give the same bits on every processor.
///
/// Those of the C library choose their code by the processor, so two machines may differ in the last bit, and Lockstep then refuses
/// the worker. Only +, -, ×, ÷ and √ need no replacement.
public enum PortableMath {
    /// e to the power x.
    public static func exp(_ x: Float) -> Float { exponential(x) }

    /// The natural logarithm.
    public static func log(_ x: Double) -> Double { logarithm(x) }

    /// 1 / (1 + e⁻ˣ).
    public static func sigmoid(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }

    /// The hyperbolic tangent.
    public static func tanh(_ x: Float) -> Float {
        // Beyond 9 it is 1 in float32, and the exponential would overflow.
        guard x.magnitude < 9 else { return x > 0 ? 1 : -1 }
        let power = exponential(2 * x)
        return (power - 1) / (power + 1)
    }
}
