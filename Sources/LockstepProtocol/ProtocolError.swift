/// What is wrong with bytes from a peer. The coordinator drops or refuses the peer; the run continues.
package enum ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The frame ends before its content does; both in bytes.
    case truncated(needed: Int, found: Int)
    /// The frame continues after its content.
    case trailingBytes(count: Int)
    /// The frame is no header of this protocol.
    case wrongMagic(found: UInt16)
    case wrongVersion(found: UInt8)
    case unknownKind(found: UInt8)
    /// The kind cannot have a payload of this size, in bytes.
    case payloadSize(kind: MessageKind, found: Int)
    /// A text is too long, in bytes.
    case textTooLong(found: Int, limit: Int)
    /// A text is not UTF-8 or contains unprintable characters, which must not reach a log or a terminal.
    case invalidText
    case tooManyEntries(found: Int, limit: Int)
    /// A refusal or goodbye with a code that this version does not know.
    case unknownCode(kind: MessageKind, found: UInt16)
    /// Floats that do not lie within one chunk of the parameters.
    case notAChunk(segment: UInt16, offset: UInt32, payloadBytes: Int)
    /// The message is not as it was sent: its checksum is wrong.
    case damaged
    /// The receiver of this message may only send it.
    case unexpectedKind(MessageKind)
    /// The numbers in a body contradict each other or the run.
    case inconsistent(MessageKind)

    package var description: String {
        switch self {
        case .truncated(let needed, let found):
            "message cut short: \(found) bytes where at least \(needed) are needed"
        case .trailingBytes(let count):
            "message with \(count) bytes too many"
        case .wrongMagic(let found):
            "not a Lockstep message (it starts with \(found), not \(Header.magic)); another program uses this endpoint"
        case .wrongVersion(let found):
            "protocol version \(found) where this program speaks \(Header.version); install the same version of "
                + "lockstep everywhere"
        case .unknownKind(let found):
            "message of unknown kind \(found); install the same version of lockstep everywhere"
        case .payloadSize(let kind, let found):
            "\(kind) message with a payload of \(found) bytes, \(Self.allowance(of: kind))"
        case .textTooLong(let found, let limit):
            "text of \(found) bytes in a message; \(limit) are allowed"
        case .invalidText:
            "text in a message that is not UTF-8 or has unprintable characters"
        case .tooManyEntries(let found, let limit):
            "list of \(found) entries in a message; \(limit) are allowed"
        case .unknownCode(let kind, let found):
            "\(kind) message with the unknown code \(found); install the same version of lockstep everywhere"
        case .notAChunk(let segment, let offset, let payloadBytes):
            "\(payloadBytes) bytes for layer \(segment) from element \(offset) are not within a chunk of this network's parameters"
        case .damaged:
            "a message that was damaged on the way: its checksum is wrong"
        case .unexpectedKind(let kind):
            "\(kind) message, which only the other side sends"
        case .inconsistent(let kind):
            "\(kind) message whose numbers do not fit this run"
        }
    }

    private static func allowance(of kind: MessageKind) -> String {
        let sizes = kind.payloadSizes
        if !kind.hasPayload { return "where none is allowed" }
        if sizes.count == 1 { return "where it has \(sizes.lowerBound)" }
        return "where it has \(sizes.lowerBound) to \(sizes.upperBound)"
    }
}

extension ProtocolError {
    /// The code of the refusal that the peer is sent.
    package var refusalCode: RefusalCode {
        if case .wrongVersion = self { .protocolVersion } else { .malformed }
    }
}
