// bfloat16 is the upper half of a float32: its sign, its exponent and the first 7 bits of its fraction. Plain branch-free
// loops, which the compiler vectorises.

/// Rounds a float32, given as bits, to the nearest bfloat16, ties to even. NaN stays NaN; numbers beyond the largest
/// bfloat16 become infinite.
@inline(__always)
private func nearestBFloat16(_ bits: UInt32) -> UInt32 {
    let nearest = bits &+ 0x7FFF &+ ((bits &>> 16) & 1)
    let quietNaN = bits | 0x0040_0000
    return (bits & 0x7FFF_FFFF > 0x7F80_0000 ? quietNaN : nearest) & 0xFFFF_0000
}

/// Rounds every element to the nearest bfloat16, in place.
package func roundToBFloat16(_ values: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count { values[i] = Float(bitPattern: nearestBFloat16(values[i].bitPattern)) }
}

/// Rounds every element to the nearest bfloat16, into another buffer.
///
/// - Returns: The sums of the bit patterns that were replaced and of those that were written, as ``sumBits(_:count:)``.
@discardableResult
package func roundToBFloat16(
    _ values: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int
) -> (replaced: UInt32, written: UInt32) {
    var (replaced, written): (UInt32, UInt32) = (0, 0)
    for i in 0..<count {
        let rounded = nearestBFloat16(values[i].bitPattern)
        replaced &+= destination[i].bitPattern
        destination[i] = Float(bitPattern: rounded)
        written &+= rounded
    }
    return (replaced, written)
}

/// Writes the upper halves of the elements, which must already be rounded to bfloat16: the format of messages.
package func encodeBFloat16(
    _ values: UnsafePointer<Float>, into halves: UnsafeMutablePointer<UInt16>, count: Int
) {
    for i in 0..<count { halves[i] = UInt16(truncatingIfNeeded: values[i].bitPattern &>> 16) }
}

/// Reads elements from their upper halves.
///
/// - Parameters:
///   - bytes: Little-endian halves, [count], at any address.
///   - destination: Receives the elements as float32, [count].
///   - count: The number of elements.
package func decodeBFloat16(_ bytes: UnsafeRawPointer, into destination: UnsafeMutablePointer<Float>, count: Int) {
    for i in 0..<count {
        let half = bytes.loadUnaligned(fromByteOffset: i &* 2, as: UInt16.self)
        destination[i] = Float(bitPattern: UInt32(half) &<< 16)
    }
}
