import CProcessor
import LockstepDigest
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    @Test("checksums are those of RFC 3720, appendix B.4, by the instruction and without it")
    func vectors() {
        let vectors: [(bytes: [UInt8], checksum: UInt32)] = [
            ([], 0), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), ((0..<32).reversed(), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283),
        ]
        for (bytes, checksum) in vectors {
            bytes.withUnsafeBytes { #expect(CRC32C.checksum($0) == checksum) }
            #expect(~lockstep_crc32c_by_bits(~0, bytes, bytes.count) == checksum)
        }
    }

    @Test("the checksum of two parts is the checksum of the whole", arguments: 0...40)
    func parts(cut: Int) {
        let bytes = (0..<40).map { UInt8($0 * 37 % 251) }
        bytes.withUnsafeBytes { bytes in
            let first = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[..<cut]))
            let both = CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[cut...]), after: first)
            #expect(both == CRC32C.checksum(bytes))
        }
    }
}
