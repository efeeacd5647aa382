/// The two kinds of IDX files that make up a data set of images.
package enum IDXKind: String, Hashable, Sendable {
    case images, labels

    /// The file's first four bytes, big-endian: 0, 0, 8 for unsigned bytes, the number of dimensions.
    var magic: UInt32 {
        switch self {
        case .images: 0x0000_0803
        case .labels: 0x0000_0801
        }
    }

    /// Bytes of the header: the magic number and a big-endian UInt32 for each dimension.
    var headerSize: Int {
        switch self {
        case .images: 16
        case .labels: 8
        }
    }
}

/// The header of an IDX file.
///
/// Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
package struct IDXHeader: Hashable, Sendable {
    /// The largest number of samples in a file.
    static let largestCount = Int(Int32.max)
    /// The largest number of rows or columns of an image.
    static let largestSide = 65_536
    /// The largest size of all samples of a file together: 4 GiB.
    package static let largestPayload = 1 << 32

    package let kind: IDXKind
    package let count: Int
    /// Bytes of a sample: rows x columns of an image, 1 for a label.
    package let sampleSize: Int

    /// Rows of an image, 1 for a label.
    package let rows: Int
    /// Columns of an image, 1 for a label.
    package var columns: Int { sampleSize / rows }
    /// Bytes of all samples.
    package var payloadSize: Int { count * sampleSize }
    /// Bytes of the whole uncompressed file.
    package var fileSize: Int { kind.headerSize + payloadSize }

    /// Decodes and checks a header of `kind.headerSize` bytes; fewer bytes mean that the file ended.
    init(_ bytes: UnsafeRawBufferPointer, kind: IDXKind, path: String) throws(DataError) {
        func word(_ index: Int) -> UInt32 {
            UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
        }
        if bytes.count >= 4, word(0) != kind.magic {
            throw DataError(.wrongMagic(found: word(0), kind: kind), subject: path, offset: 0)
        }
        guard bytes.count == kind.headerSize else {
            throw DataError(
                .truncated(declared: kind.headerSize, found: bytes.count), subject: path, offset: bytes.count)
        }
        func dimension(_ index: Int, _ what: String, limit: Int) throws(DataError) -> Int {
            let value = Int(word(index))
            guard value <= limit else {
                throw DataError(.tooLarge(what: what, found: value, limit: limit), subject: path, offset: index * 4)
            }
            return value
        }
        self.kind = kind
        count = try dimension(1, "the number of samples", limit: IDXHeader.largestCount)
        guard count > 0 else { throw DataError(.noSamples, subject: path, offset: 4) }
        switch kind {
        case .images:
            rows = try dimension(2, "the number of rows", limit: IDXHeader.largestSide)
            let columns = try dimension(3, "the number of columns", limit: IDXHeader.largestSide)
            guard rows > 0, columns > 0 else { throw DataError(.emptyImages, subject: path, offset: 8) }
            sampleSize = rows * columns
        case .labels:
            rows = 1
            sampleSize = 1
        }
        // Below 2^31 * 2^32: no overflow.
        guard count * sampleSize <= IDXHeader.largestPayload else {
            throw DataError(
                .tooLarge(what: "the size of all samples", found: count * sampleSize, limit: IDXHeader.largestPayload),
                subject: path, offset: 4)
        }
    }
}
