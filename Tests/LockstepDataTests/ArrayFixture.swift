import CZlib
import LockstepTesting

/// Numpy files, written byte by byte.
enum ArrayFixture {
    /// A file of format 1.0 with this type, shape and these elements.
    static func npy(_ type: String, _ shape: [Int], _ bytes: [UInt8], isColumnMajor: Bool = false) -> [UInt8] {
        let dimensions = shape.map { "\($0)," }.joined(separator: " ")
        var header =
            "{'descr': '\(type)', 'fortran_order': \(isColumnMajor ? "True" : "False"), 'shape': (\(dimensions)), }"
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let length = header.utf8.count
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8)
            + bytes
    }

    /// Little-endian float32.
    static func floats(_ values: [Float]) -> [UInt8] {
        values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    /// UTF-32 texts of `count` scalars.
    static func texts(_ texts: [String], count: Int) -> [UInt8] {
        texts.flatMap { text -> [UInt8] in
            let scalars = text.unicodeScalars.map(\.value) + Array(repeating: 0, count: count)
            return scalars.prefix(count).flatMap { scalar in withUnsafeBytes(of: scalar.littleEndian) { Array($0) } }
        }
    }

    /// A zip file of these arrays, stored without compression.
    static func npz(_ arrays: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var (content, directory) = ([UInt8](), [UInt8]())
        for (name, bytes) in arrays {
            let file = Array((name + ".npy").utf8)
            let checksum = bytes.withUnsafeBufferPointer { Int(crc32_z(0, $0.baseAddress, $0.count)) }
            let common =
                number(0, 2) + number(0, 4) + number(checksum, 4) + number(bytes.count, 4) + number(bytes.count, 4)
                + number(file.count, 2)
            directory +=
                [0x50, 0x4B, 1, 2] + number(20, 2) + number(20, 2) + number(0, 2) + common + number(0, 2) + number(0, 2)
                + number(0, 4) + number(0, 4) + number(content.count, 4) + file
            content += [0x50, 0x4B, 3, 4] + number(20, 2) + number(0, 2) + common + number(0, 2) + file + bytes
        }
        let end =
            [0x50, 0x4B, 5, 6] + number(0, 4) + number(arrays.count, 2) + number(arrays.count, 2)
            + number(directory.count, 4) + number(content.count, 4) + number(0, 2)
        return content + directory + end
    }
}
