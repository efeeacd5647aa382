import LockstepText

/// Writes a frame field by field.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    /// Allocates memory for `capacity` bytes.
    package init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    /// Removes everything written, and keeps the memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
    }

    package mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ value: Double) {
        append(value.bitPattern)
    }

    package mutating func append(_ values: [UInt8]) {
        bytes.append(contentsOf: values)
    }

    /// Appends a text that the reader will accept: unprintable scalars become spaces, and a text that is too long is cut
    /// between two Unicode scalars.
    package mutating func append(_ text: String) {
        // Nearly all texts are ASCII: a flood of refusals must not cost more than the flood.
        if text.utf8.count <= MessageText.maximumBytes, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
            append(UInt16(text.utf8.count))
            return append(Array(text.utf8))
        }
        var scalars = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            let written = scalar.isPrintable ? scalar : " "
            count += UTF8.width(written)
            guard count <= MessageText.maximumBytes else { break }
            scalars.append(written)
        }
        let utf8 = Array(String(scalars).utf8)
        append(UInt16(utf8.count))
        append(utf8)
    }
}
