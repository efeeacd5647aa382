/// The last lines of a worker's log. A worker that fails sends them, because the coordinator cannot read a log on
/// another host.
package struct LogLines: MessageBody {
    /// The most lines in a message.
    package static let maximumLines = 20
    private static let countSize = 2
    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return countSize...countSize + maximumLines * text.upperBound
    }()

    /// The oldest first.
    package var lines: [String]

    /// - Parameter lines: The lines. Only the last ``maximumLines`` are kept.
    package init(lines: [String]) {
        self.lines = Array(lines.suffix(Self.maximumLines))
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 1_024)
        writer.append(UInt16(lines.count))
        for line in lines { writer.append(line) }
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        let count = Int(try reader.integer(UInt16.self))
        guard count <= Self.maximumLines else { throw .tooManyEntries(found: count, limit: Self.maximumLines) }
        lines = []
        for _ in 0..<count { lines.append(try reader.text()) }
        try reader.finish()
    }
}
