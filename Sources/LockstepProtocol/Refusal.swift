/// The coordinator won't have a worker, or won't have it any longer.
package struct Refusal: MessageBody {
    /// What the worker is to do about it.
    package enum Code: UInt16, CaseIterable, Sendable {
        /// Not a member of this run (any more): say hello again.
        case rejoin = 1
        /// Speaks another version of the protocol.
        case protocolVersion = 2
        /// Another release of lockstep, which may compute other bits.
        case programVersion = 3
        /// The run has all the workers that it admits.
        case full = 4
        /// The matrix library computes other bits.
        case fingerprint = 5
        /// The run is over or ending.
        case ending = 6
        /// Sent bytes that make no message, or a message out of turn.
        case malformed = 7
        /// The run wants payload in shared memory, and the worker shares none with the coordinator.
        case transport = 8
        /// An audit has found an answer of this process wrong.
        case quarantined = 9
    }

    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return 2 + text.lowerBound...2 + text.upperBound
    }()

    package var code: Code
    /// Why and the remedy, for people: one line.
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
        guard let code = Code(rawValue: rawCode) else { throw .unknownCode(kind: .refuse, found: rawCode) }
        self.code = code
        message = try reader.text()
        try reader.finish()
    }
}
