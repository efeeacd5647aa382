/// A worker leaves of its own accord, or the coordinator ends the run.
package struct Goodbye: MessageBody {
    package enum Code: UInt16, CaseIterable, Sendable {
        /// All epochs are trained.
        case finished = 1
        /// Whoever says so was asked to stop; the run can be resumed, the worker can come back.
        case stopping = 2
        /// Whoever says so can't go on.
        case failed = 3
    }

    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return 2 + text.lowerBound...2 + text.upperBound
    }()

    package var code: Code
    /// The reason, for people: one line.
    package var message: String

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.append(code.rawValue)
        writer.append(message)
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        let rawCode = try reader.integer(UInt16.self)
        guard let code = Code(rawValue: rawCode) else { throw .unknownCode(kind: .goodbye, found: rawCode) }
        self.code = code
        message = try reader.text()
        try reader.finish()
    }
}
