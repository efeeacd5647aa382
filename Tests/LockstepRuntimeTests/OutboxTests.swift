import LockstepProtocol
import Testing
import ZeroMQ

@testable import LockstepRuntime

@Suite("Outbox")
struct OutboxTests {
    /// A frame as it arrives: of a header its kind and unit, of a payload its bytes; `+` if another one follows.
    private func frames(from socket: borrowing Socket) throws -> [String] {
        var message = Message()
        var frames: [String] = []
        while try socket.receive(into: &message, wait: false) == .received {
            let header = message.withUnsafeBytes { try? Header(decoding: $0) }
            let text = header.map { "\($0.kind) \($0.unit)" } ?? "\(message.array)"
            frames.append(text + (message.more ? " +" : ""))
        }
        return frames
    }

    /// Calls `body` with an outbox, the socket that it sends over, and the socket at the other end.
    private func withPair(
        isConnected: Bool = true, _ body: (Outbox, borrowing Socket, borrowing Socket) throws -> Void
    ) throws {
        let context = try Context()
        let (near, far) = (SocketHolder(try context.socket(.pair)), SocketHolder(try context.socket(.pair)))
        try far.use { try $0.bind(inproc: "outbox") }
        try near.use { near in
            if isConnected { try near.connect(inproc: "outbox") }
            try far.use { try body(Outbox(), near, $0) }
        }
        near.close()
        far.close()
        try context.terminate()
    }

    @Test("What waits leaves as one message, headers and payloads in order, and is then forgotten")
    func order() throws {
        try withPair { outbox, near, far in
            let payload: [UInt8] = [1, 2, 3]
            try payload.withUnsafeBytes { bytes in
                outbox.append(Header(kind: .assign, unit: 1), nil)
                outbox.append(Header(kind: .parameters, unit: 2), bytes)
                #expect(!outbox.isEmpty)
                try outbox.flush(into: near, wait: false)
                #expect(try frames(from: far) == ["assign 1 +", "parameters 2 +", "[1, 2, 3]"])
                #expect(outbox.isEmpty)
                outbox.append(Header(kind: .assign, unit: 3), nil)
                try outbox.flush(into: near, wait: false)
                #expect(try frames(from: far) == ["assign 3"])
            }
        }
    }

    @Test("A message that is given at the end leaves with the others, or alone")
    func ending() throws {
        try withPair { outbox, near, far in
            let result: [UInt8] = [9, 8]
            try result.withUnsafeBytes { result in
                outbox.append(Header(kind: .gradient, unit: 1), result)
                try outbox.flush(into: near, endingWith: (Header(kind: .nodeResult, unit: 2), result), wait: true)
                #expect(try frames(from: far) == ["gradient 1 +", "[9, 8] +", "nodeResult 2 +", "[9, 8]"])
                try outbox.flush(into: near, endingWith: (Header(kind: .nodeResult, unit: 3), result), wait: true)
                #expect(try frames(from: far) == ["nodeResult 3 +", "[9, 8]"])
            }
        }
    }

    @Test("A payload is sent as it is when the outbox is flushed")
    func reference() throws {
        try withPair { outbox, near, far in
            var payload: [UInt8] = [1, 2]
            try payload.withUnsafeMutableBytes { bytes in
                outbox.append(Header(kind: .parameters, unit: 1), UnsafeRawBufferPointer(bytes))
                bytes[0] = 7
                try outbox.flush(into: near, wait: false)
                #expect(try frames(from: far) == ["parameters 1 +", "[7, 2]"])
            }
        }
    }

    @Test("Where there is no room, everything is dropped, and the next message arrives whole")
    func noRoom() throws {
        try withPair(isConnected: false) { outbox, near, far in
            for unit in 1...3 as ClosedRange<UInt32> { outbox.append(Header(kind: .assign, unit: unit), nil) }
            try outbox.flush(into: near, wait: false)
            #expect(outbox.isEmpty)
            try near.connect(inproc: "outbox")
            for unit in 4...5 as ClosedRange<UInt32> { outbox.append(Header(kind: .assign, unit: unit), nil) }
            try outbox.flush(into: near, wait: true)
            #expect(try frames(from: far) == ["assign 4 +", "assign 5"])
        }
    }

    @Test("It is full with 256 KiB of payload, and empty once that is removed")
    func full() {
        let outbox = Outbox()
        let bytes = [UInt8](repeating: 0, count: Outbox.limit)
        bytes.withUnsafeBytes { bytes in
            outbox.append(Header(kind: .gradient), UnsafeRawBufferPointer(rebasing: bytes.dropLast()))
            #expect(!outbox.isFull)
            outbox.append(Header(kind: .gradient), UnsafeRawBufferPointer(rebasing: bytes.prefix(1)))
            #expect(outbox.isFull)
        }
        outbox.removeAll()
        #expect(!outbox.isFull && outbox.isEmpty)
    }
}
