import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("An IDX reader")
struct IDXReaderTests {
    /// Reads a file's samples.
    static func read(_ bytes: [UInt8], kind: IDXKind) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let reader = try IDXReader(path: folder.write(bytes, to: "file"), kind: kind)
        var content = [UInt8](repeating: 0, count: reader.header.payloadSize)
        try content.withUnsafeMutableBytes { try reader.read(into: $0) }
        return content
    }

    static let pixels = (0..<30).map { UInt8($0 * 8) }
    static let file = IDXFixture.imagesFile(count: 5, rows: 2, columns: 3, pixels: pixels)
    static let twoMembers = gzip(Array(file.prefix(20))) + gzip(Array(file.dropFirst(20)))

    @Test(
        "reads plain, gzipped, stored and multi-member files alike",
        arguments: [file, gzip(file), gzip(file, level: 0), twoMembers, gzip([]) + gzip(file) + gzip([])])
    func variants(bytes: [UInt8]) throws {
        #expect(try Self.read(bytes, kind: .images) == Self.pixels)
    }

    @Test("reads sizes from the header")
    func header() throws {
        let folder = try TemporaryFolder()
        let header = try IDXReader(path: folder.write(Self.file, to: "images"), kind: .images).header
        #expect(header.count == 5)
        #expect(header.sampleSize == 6)
        #expect(header.fileSize == Self.file.count)
    }

    @Test("names file and offset for every truncation of a plain file", arguments: 0..<file.count)
    func truncation(length: Int) throws {
        let error = try #require(try dataError { try Self.read(Array(Self.file.prefix(length)), kind: .images) })
        let declared = length < 16 ? 16 : Self.file.count
        #expect(error.reason == .truncated(declared: declared, found: length))
        #expect(error.offset == length)
        #expect(error.subject.hasSuffix("/file"))
    }

    @Test("refuses every truncation of a gzipped file", arguments: 0..<gzip(file).count)
    func gzipTruncation(length: Int) throws {
        let error = try #require(try dataError { try Self.read(Array(gzip(Self.file).prefix(length)), kind: .images) })
        switch length {
        case 0..<2: #expect(error.reason == .truncated(declared: 16, found: length))
        default:
            #expect(error.reason == .damagedGzip("it ends early"))
            #expect(error.offset == length)
        }
    }

    @Test("refuses a gzipped file whose content is too short", arguments: [0, 3, 15, 16, 17, 45])
    func gzipOfTruncated(length: Int) throws {
        let error = try dataError { try Self.read(gzip(Array(Self.file.prefix(length))), kind: .images) }
        #expect(error?.reason == .truncated(declared: length < 16 ? 16 : Self.file.count, found: length))
        #expect(error?.offset == length)
    }

    @Test("gives the right samples or an error for every bit flip of a gzipped file", arguments: 0..<gzip(file).count)
    func gzipBitFlips(byte: Int) throws {
        for bit in 0..<8 {
            var bytes = gzip(Self.file)
            bytes[byte] ^= 1 << bit
            do {
                // Some bits have no effect: the header's time and system, the padding of the last compressed byte.
                #expect(try Self.read(bytes, kind: .images) == Self.pixels, "bit \(bit)")
            } catch is DataError {}
        }
    }

    @Test("gives samples or an error for every bit flip of a header", arguments: 0..<16)
    func headerBitFlips(byte: Int) throws {
        for bit in 0..<8 {
            var bytes = Self.file
            bytes[byte] ^= 1 << bit
            let error = try #require(try dataError { try Self.read(bytes, kind: .images) }, "bit \(bit)")
            if byte < 4 {
                #expect(error.offset == 0)
                guard case .wrongMagic = error.reason else {
                    Issue.record("bit \(bit): \(error)")
                    continue
                }
            }
        }
    }

    @Test("refuses bytes after the last sample", arguments: [file + [0], gzip(file + [0]), gzip(file) + gzip([0])])
    func trailingBytes(bytes: [UInt8]) throws {
        let error = try dataError { try Self.read(bytes, kind: .images) }
        #expect(error?.reason == .trailingBytes(declared: Self.file.count))
        #expect(error?.offset == Self.file.count)
    }

    @Test("refuses garbage after the last gzip member", arguments: [[0], [0x1f], [0x1f, 0x8b], [0x1f, 0x00, 0x00]])
    func garbageAfterGzip(garbage: [UInt8]) throws {
        let error = try #require(try dataError { try Self.read(gzip(Self.file) + garbage, kind: .images) })
        guard case .damagedGzip = error.reason else {
            Issue.record("\(error)")
            return
        }
    }

    @Test("never inflates a bomb beyond what its header declares")
    func bomb() throws {
        let bomb = gzip(Self.file + [UInt8](repeating: 0, count: 32 << 20))
        #expect(bomb.count < 64 << 10)
        let error = try dataError { try Self.read(bomb, kind: .images) }
        #expect(error?.reason == .trailingBytes(declared: Self.file.count))
    }

    @Test("refuses impossible sizes before it allocates memory")
    func sizes() throws {
        func reason(_ count: UInt32, _ rows: UInt32, _ columns: UInt32) throws -> DataError.Reason? {
            let bytes = IDXFixture.imagesFile(count: count, rows: rows, columns: columns, pixels: [])
            return try dataError { try Self.read(gzip(bytes), kind: .images) }?.reason
        }
        #expect(try reason(0, 2, 3) == .noSamples)
        #expect(try reason(1, 0, 3) == .emptyImages)
        #expect(try reason(1, 3, 0) == .emptyImages)
        #expect(
            try reason(.max, 28, 28)
                == .tooLarge(what: "the number of samples", found: 4_294_967_295, limit: 2_147_483_647))
        #expect(try reason(1, 65_537, 1) == .tooLarge(what: "the number of rows", found: 65_537, limit: 65_536))
        #expect(try reason(1, 1, .max) == .tooLarge(what: "the number of columns", found: 1 << 32 - 1, limit: 65_536))
        #expect(
            try reason(2_147_483_647, 65_536, 65_536)
                == .tooLarge(
                    what: "the size of all samples", found: 2_147_483_647 << 32, limit: IDXHeader.largestPayload))
    }

    @Test("tells images from labels")
    func wrongKind() throws {
        let error = try dataError { try Self.read(IDXFixture.labelsFile([1, 2, 3]), kind: .images) }
        #expect(error?.reason == .wrongMagic(found: 0x801, kind: .images))
        let text = try #require(error?.description)
        #expect(text.contains("its magic number is 0x00000801, not 0x00000803"))
    }

    @Test("reads labels and the highest of them")
    func labels() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(IDXFixture.labelsFile([3, 0, 9, 1]), to: "labels")
        let reader = try IDXReader(path: path, kind: .labels)
        var labels: [UInt16] = [0, 0, 0, 0]
        #expect(try labels.withUnsafeMutableBufferPointer { try reader.readLabels(into: $0, classCount: 10) } == 9)
        #expect(labels == [3, 0, 9, 1])
    }

    @Test("names the offset of a label that is not a class", arguments: 0..<4)
    func labelOutOfRange(index: Int) throws {
        let folder = try TemporaryFolder()
        var labels: [UInt8] = [3, 0, 8, 1]
        labels[index] = 9
        let path = try folder.write(gzip(IDXFixture.labelsFile(labels)), to: "labels")
        let reader = try IDXReader(path: path, kind: .labels)
        var destination: [UInt16] = [0, 0, 0, 0]
        let error = try dataError {
            try destination.withUnsafeMutableBufferPointer { try reader.readLabels(into: $0, classCount: 9) }
        }
        #expect(error == DataError(.labelOutOfRange(label: 9, classCount: 9), subject: path, offset: 8 + index))
    }

    @Test("refuses anything except a regular file")
    func notAFile() throws {
        let folder = try TemporaryFolder()
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for path in [folder.path, pipe, "/dev/zero"] {
            #expect(
                try dataError { try IDXReader(path: path, kind: .images) } == DataError(.notAFile, subject: path))
        }
    }

    @Test("names a missing file", arguments: ["/nowhere/images", "/dev/null/images"])
    func missing(path: String) throws {
        #expect(
            try dataError { try IDXReader(path: path, kind: .labels) } == DataError(.missingFile, subject: path))
    }

    @Test("gives the system's reason if a path cannot be opened")
    func symbolicLinkLoop() throws {
        let path = try TemporaryFolder().path + ".loop"
        #expect(symlink(path, path) == 0)
        defer { unlink(path) }
        let error = try dataError { try IDXReader(path: path, kind: .images) }
        #expect(error?.description == "\(path): Too many levels of symbolic links")
    }

    @Test("names a file that may not be read", .enabled(if: geteuid() != 0, "root may read everything"))
    func unreadable() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(Self.file, to: "secret")
        #expect(chmod(path, 0) == 0)
        let error = try #require(try dataError { try IDXReader(path: path, kind: .images) })
        #expect(error.reason == .system(code: EACCES, text: "Permission denied"))
        #expect(error.subject == path)
    }
}
