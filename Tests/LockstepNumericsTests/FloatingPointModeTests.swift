import LockstepNumerics
import Testing

struct FloatingPointModeTests {
    /// The sum, by a function of another module: the compiler may move arithmetic that it can inline across a change of mode.
    private func sum(_ augend: Float, _ addend: Float) -> Float {
        let values = FloatBuffer(count: 2)
        values.pointer[0] = augend
        values.pointer[1] = addend
        return withExtendedLifetime(values) {
            add(values.pointer, values.pointer + 1, into: values.pointer, count: 1)
            return values.pointer[0]
        }
    }

    @Test("Subnormal operands and results count as zero until the mode is left, however often it was entered")
    func subnormals() {
        let (small, tiny) = (Float.leastNormalMagnitude, Float.leastNonzeroMagnitude)
        #expect(sum(small * 1.5, -small) == small / 2)
        let outer = FloatingPointMode.flushSubnormals()
        let inner = FloatingPointMode.flushSubnormals()
        let (result, operand, normal) = (sum(small * 1.5, -small), sum(tiny, small), sum(small, small))
        inner.restore()
        let after = sum(small * 1.5, -small)
        outer.restore()
        #expect(result.bitPattern == 0)
        #expect(operand == small)
        #expect(normal == 2 * small)
        #expect(after.bitPattern == 0)
        #expect(sum(small * 1.5, -small) == small / 2)
        #expect(sum(tiny, tiny) == 2 * tiny)
    }
}
