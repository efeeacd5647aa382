import LockstepNumerics
import Testing

struct FloatingPointModeTests {
    /// The product, by way of memory: what has no other effect the compiler computes when it likes.
    private func product(_ factor: Float, _ other: Float) -> Float {
        memory.pointer[0] = factor
        scale(memory.pointer, by: other, count: 1)
        return memory.pointer[0]
    }

    private let memory = FloatBuffer(count: 1)

    @Test("Subnormal operands and results count as zero until the mode is left, however often it was entered")
    func subnormals() throws {
        // Read when the program runs: the compiler multiplies what it knows.
        let small = try #require(Float("0x1p-126"))
        let tiny = try #require(Float("0x1p-149"))
        #expect(product(small, 0.5) == small / 2)
        let outer = FloatingPointMode.flushSubnormals()
        let inner = FloatingPointMode.flushSubnormals()
        let (result, operand, normal) = (product(small, 0.5), product(tiny, 0x1p60), product(small, 2))
        inner.restore()
        let after = product(small, 0.5)
        outer.restore()
        #expect(result.bitPattern == 0)
        #expect(operand.bitPattern == 0)
        #expect(normal == 0x1p-125)
        #expect(after.bitPattern == 0)
        #expect(product(small, 0.5) == small / 2)
        #expect(product(tiny, 0x1p60) == 0x1p-89)
    }
}
