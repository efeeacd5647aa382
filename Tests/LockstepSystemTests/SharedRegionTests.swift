import Glibc
import LockstepSystem
import Testing

@Suite("Shared regions")
struct SharedRegionTests {
    @Test("One mapping reads what the other has written")
    func sharing() throws {
        let region = try SharedRegion(name: "test", byteCount: 10_000, others: .readAndWrite)
        let other = try map(region, byteCount: 10_000, access: .readAndWrite)
        #expect(region.bytes.allSatisfy { $0 == 0 })
        other.bytes[9_999] = 7
        #expect(region.bytes[9_999] == 7)
    }

    @Test("No process can change a region's size")
    func size() throws {
        let region = try SharedRegion(name: "test", byteCount: 8_192, others: .readAndWrite)
        #expect(ftruncate(region.descriptor, 4_096) == -1)
        #expect(ftruncate(region.descriptor, 16_384) == -1)
        #expect(try map(region, byteCount: 8_192, access: .read).bytes.count == 8_192)
    }

    @Test("A process with read access cannot map for writing, and sees later writes of the owner")
    func readOnly() throws {
        let region = try SharedRegion(name: "test", byteCount: 4_096, others: .read)
        #expect(throws: SystemError.self) { try map(region, byteCount: 4_096, access: .readAndWrite) }
        let other = try map(region, byteCount: 4_096, access: .read)
        region.bytes[5] = 9
        #expect(other.bytes[5] == 9)
    }

    @Test("A copy of bytes is sealed for all processes")
    func copy() throws {
        let content: [UInt8] = (0..<5_000).map { UInt8(truncatingIfNeeded: $0) }
        let region = try content.withUnsafeBytes { try SharedRegion(name: "test", copying: $0) }
        #expect(region.bytes.elementsEqual(content))
        #expect(throws: SystemError.self) { try map(region, byteCount: 5_000, access: .readAndWrite) }
        var byte: UInt8 = 1
        #expect(pwrite(region.descriptor, &byte, 1, 0) == -1)
    }

    @Test("The process that made a sealed region can repair it, for all; another process cannot")
    func overwriting() throws {
        let content = [UInt8](repeating: 3, count: 9_000)
        let region = try content.withUnsafeBytes { try SharedRegion(name: "test", copying: $0) }
        let other = try map(region, byteCount: content.count, access: .read)
        for offset in [0, 4_090, 8_990] {
            let repair = (0..<10).map { UInt8(offset % 251 + $0 % 4) }
            try repair.withUnsafeBytes { try region.overwrite(at: offset, with: $0) }
            #expect(other.bytes[offset..<offset + 10].elementsEqual(repair))
            #expect(throws: SystemError.self) {
                try repair.withUnsafeBytes { try other.overwrite(at: offset, with: $0) }
            }
        }
        #expect(other.bytes.count { $0 == 3 } >= content.count - 30)
    }

    @Test("A file that could shrink, or has another size, is not mapped")
    func foreignFiles() throws {
        let region = try SharedRegion(name: "test", byteCount: 4_096, others: .read)
        #expect(throws: SystemError.self) { try map(region, byteCount: 8_192, access: .read) }
        #expect(throws: SystemError.self) { try map(region, byteCount: 0, access: .read) }
        let plain = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
        let status = try #require(size(of: plain))
        #expect(throws: SystemError.self) {
            try SharedRegion(mapping: FileDescriptor(owning: plain), name: "test", byteCount: status, access: .read)
        }
    }

    private func map(_ region: SharedRegion, byteCount: Int, access: SharedRegion.Access) throws -> SharedRegion {
        try SharedRegion(
            mapping: FileDescriptor(owning: dup(region.descriptor)), name: "test", byteCount: byteCount, access: access)
    }

    private func size(of file: Int32) -> Int? {
        var status = stat()
        return fstat(file, &status) == 0 ? status.st_size : nil
    }
}
