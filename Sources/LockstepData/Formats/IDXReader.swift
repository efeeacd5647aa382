/// Reads one IDX file, plain or gzipped: first its header, then its samples, directly to their destination.
///
/// Total: any file gives either samples or a ``DataError`` that names the file and the offset. The header bounds the
/// memory, and ``IDXHeader``'s limits bound the header; a compressed file is inflated no further than that.
package final class IDXReader {
    package let header: IDXHeader
    private let content: ContentReader

    /// Opens the file and reads its header.
    package init(path: String, kind: IDXKind) throws(DataError) {
        content = try ContentReader(path: path)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: kind.headerSize, alignment: 4)
        defer { buffer.deallocate() }
        let count = try content.read(into: buffer)
        header = try IDXHeader(UnsafeRawBufferPointer(rebasing: buffer[..<count]), kind: kind, path: path)
        // The size of an uncompressed file is known before its samples are read.
        if let size = content.size, size != header.fileSize {
            throw size < header.fileSize ? truncated(at: size) : trailingBytes
        }
    }

    /// The file's path, as errors name it.
    package var path: String { content.path }

    /// Reads all samples, `header.payloadSize` bytes, and checks that the file ends there.
    package func read(into destination: UnsafeMutableRawBufferPointer) throws(DataError) {
        precondition(destination.count == header.payloadSize)
        guard try content.read(into: destination) == destination.count else { throw truncated(at: content.offset) }
        guard try content.isAtEnd() else { throw trailingBytes }
    }

    /// Reads all labels, `header.count` of them, each below `classCount`, and checks that the file ends there.
    ///
    /// - Returns: The highest label.
    package func readLabels(
        into destination: UnsafeMutableBufferPointer<UInt16>, classCount: Int
    ) throws(DataError) -> Int {
        precondition(destination.count == header.count)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(header.count, 64 * 1024), alignment: 16)
        defer { buffer.deallocate() }
        var highest = 0
        var position = 0
        while position < header.count {
            let wanted = min(buffer.count, header.count - position)
            let count = try content.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
            for index in 0..<count {
                let label = Int(buffer[index])
                guard label < classCount else {
                    throw DataError(
                        .labelOutOfRange(label: label, classCount: classCount), subject: path,
                        offset: header.kind.headerSize + position + index)
                }
                destination[position + index] = UInt16(label)
                highest = max(highest, label)
            }
            guard count == wanted else { throw truncated(at: content.offset) }
            position += count
        }
        guard try content.isAtEnd() else { throw trailingBytes }
        return highest
    }

    private func truncated(at offset: Int) -> DataError {
        DataError(.truncated(declared: header.fileSize, found: offset), subject: path, offset: offset)
    }

    private var trailingBytes: DataError {
        DataError(.trailingBytes(declared: header.fileSize), subject: path, offset: header.fileSize)
    }
}
