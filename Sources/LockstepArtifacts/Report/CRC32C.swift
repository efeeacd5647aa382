/// The Castagnoli checksum of a TensorBoard record, and TensorFlow's masking of it.
///
/// RFC 3720, appendix B.4; polynomial 0x1EDC6F41, reflected. A table is fast enough: a record has about a hundred bytes.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
    }

    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
    }

    /// The checksum, rotated and shifted: the checksum of bytes that contain their checksum would be a constant otherwise
    /// (TensorFlow, tsl/lib/hash/crc32c.h).
    static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let crc = checksum(bytes)
        return (crc >> 15 | crc << 17) &+ 0xA282_EAD8
    }
}
