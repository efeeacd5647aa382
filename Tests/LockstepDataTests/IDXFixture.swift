import CZlib
import LockstepData
import LockstepTesting

/// Small IDX files for tests.
struct IDXFixture {
    var images: [UInt8]
    var labels: [UInt8]
    var testImages: [UInt8]
    var testLabels: [UInt8]

    /// 6 training and 2 test images of 2 x 3 pixels, of 3 classes.
    static let small = IDXFixture(
        images: imagesFile(count: 6, rows: 2, columns: 3, pixels: (0..<36).map { UInt8($0 * 7) }),
        labels: labelsFile([2, 0, 1, 1, 0, 2]),
        testImages: imagesFile(count: 2, rows: 2, columns: 3, pixels: (0..<12).map { UInt8(255 - $0) }),
        testLabels: labelsFile([1, 2]))

    static func imagesFile(count: UInt32, rows: UInt32, columns: UInt32, pixels: [UInt8]) -> [UInt8] {
        [0x0000_0803, count, rows, columns].flatMap(bigEndian) + pixels
    }

    static func labelsFile(_ labels: [UInt8], count: UInt32? = nil) -> [UInt8] {
        [0x0000_0801, count ?? UInt32(labels.count)].flatMap(bigEndian) + labels
    }

    /// Writes the four files; returns their paths.
    func write(to folder: TemporaryFolder, validation: Int? = nil) throws -> IDXFiles {
        IDXFiles(
            images: try folder.write(images, to: "train-images"), labels: try folder.write(labels, to: "train-labels"),
            testImages: try folder.write(testImages, to: "test-images"),
            testLabels: try folder.write(testLabels, to: "test-labels"), validation: validation)
    }

    /// Reads the four files as a data set.
    func load(validation: Int? = nil) throws -> Dataset {
        let folder = try TemporaryFolder()
        return try DataSource.files(write(to: folder, validation: validation)).load(
            cache: DataCache(directory: folder.path))
    }

    private static func bigEndian(_ word: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) }
    }
}

/// One gzip member that inflates to `content`.
func gzip(_ content: [UInt8], level: Int32 = Z_BEST_COMPRESSION) -> [UInt8] {
    var stream = z_stream()
    let initialised = deflateInit2_(
        &stream, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
        Int32(MemoryLayout<z_stream>.size))
    precondition(initialised == Z_OK)
    defer { deflateEnd(&stream) }
    var input = content
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, uLong(content.count))) + 32)
    return input.withUnsafeMutableBufferPointer { source in
        output.withUnsafeMutableBufferPointer { destination in
            stream.next_in = source.baseAddress
            stream.avail_in = uInt(source.count)
            stream.next_out = destination.baseAddress
            stream.avail_out = uInt(destination.count)
            precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END)
            return Array(destination.prefix(Int(stream.total_out)))
        }
    }
}

/// The error that `body` throws, or nil.
func dataError(_ body: () throws -> some Any) throws -> DataError? {
    do {
        _ = try body()
        return nil
    } catch let error as DataError {
        return error
    }
}
