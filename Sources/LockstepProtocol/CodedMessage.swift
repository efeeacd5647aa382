/// The body of a message that carries a code for the receiver and a line of text for people: ``Refusal``, ``Goodbye``.
package struct CodedMessage<Code: MessageCode>: MessageBody {
    package static var encodedSizes: ClosedRange<Int> {
        let text = MessageText.encodedSizes
        return 2 + text.lowerBound...2 + text.upperBound
    }

    package var code: Code
    /// The reason and, if there is one, the remedy, in one line.
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
        guard let code = Code(rawValue: rawCode) else { throw .unknownCode(kind: Code.messageKind, found: rawCode) }
        self.code = code
        message = try reader.text()
        try reader.finish()
    }
}

/// The codes of one kind of ``CodedMessage``.
package protocol MessageCode: RawRepresentable<UInt16>, CaseIterable, Hashable, Sendable {
    static var messageKind: MessageKind { get }
}
