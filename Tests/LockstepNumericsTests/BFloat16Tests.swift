import LockstepNumerics
import Testing

@Suite("bfloat16")
struct BFloat16Tests {
    private func rounded(_ values: [Float]) -> [Float] {
        var inPlace = values
        var elsewhere = values.map { _ in Float(3) }
        inPlace.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { roundToBFloat16(base, count: buffer.count) }
        }
        values.withUnsafeBufferPointer { source in
            elsewhere.withUnsafeMutableBufferPointer { target in
                if let from = source.baseAddress, let into = target.baseAddress {
                    let sums = roundToBFloat16(from, into: into, count: source.count)
                    #expect(sums.replaced == UInt32(truncatingIfNeeded: source.count) &* Float(3).bitPattern)
                    #expect(sums.written == sumBits(into, count: source.count))
                }
            }
        }
        #expect(inPlace.map(\.bitPattern) == elsewhere.map(\.bitPattern))
        return inPlace
    }

    @Test("Rounds to the nearest, ties to even")
    func nearest() {
        // Between 1 and 2 bfloat16 numbers are 1/128 apart.
        let step: Float = 1 / 128
        let cases: [(Float, Float)] = [
            (1, 1), (1 + 0.49 * step, 1), (1 + 0.5 * step, 1), (1 + 0.51 * step, 1 + step),
            (1 + 1.5 * step, 1 + 2 * step), (1 + 2.5 * step, 1 + 2 * step), (2 - 0.5 * step, 2),
            (-1 - 1.5 * step, -1 - 2 * step),
            (0, 0), (3.389_531_4e38, 3.389_531_4e38),
        ]
        for (value, expected) in cases { #expect(rounded([value]) == [expected], "\(value)") }
    }

    @Test("Keeps the sign of zero, turns too large values into infinity, and keeps NaN")
    func specialValues() {
        let values: [Float] = [-0.0, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude]
        #expect(
            rounded(values).map(\.bitPattern)
                == [-0.0, .infinity, -.infinity, .infinity, -.infinity].map { (value: Float) in value.bitPattern })
        for pattern: UInt32 in [0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001, 0xFFFF_FFFF, 0x7FC0_0000] {
            #expect(rounded([Float(bitPattern: pattern)])[0].isNaN, "\(pattern)")
        }
    }

    @Test("Rounded values survive two bytes at any address", arguments: [0, 1, 2, 3])
    func travel(offset: Int) {
        let values = rounded((0..<1_000).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0 &* 2_654_435_761)) })
        var halves = [UInt16](repeating: 0, count: values.count)
        values.withUnsafeBufferPointer { source in
            halves.withUnsafeMutableBufferPointer { target in
                if let from = source.baseAddress, let into = target.baseAddress {
                    encodeBFloat16(from, into: into, count: source.count)
                }
            }
        }
        var bytes = [UInt8](repeating: 0, count: offset)
        for half in halves { bytes += [UInt8(half & 0xFF), UInt8(half >> 8)] }
        let found = FloatBuffer(count: values.count)
        bytes.withUnsafeBytes { raw in
            if let base = raw.baseAddress { decodeBFloat16(base + offset, into: found.pointer, count: values.count) }
        }
        #expect(found.values.map(\.bitPattern) == values.map(\.bitPattern))
    }
}
