import Glibc
import LockstepTesting
import Testing
import ZeroMQ

@Suite("Messages")
struct MessageTests {
    @Test("short frames keep their content when the value moves", arguments: [0, 1, 5, 33, 34, 100])
    func moves(size: Int) throws {
        let bytes = pattern(size)
        let message = try Message(copying: bytes)
        let before = message.withUnsafeBytes { $0.baseAddress }
        let holder = Holder(message)
        let (after, content) = holder.message.withUnsafeBytes { ($0.baseAddress, Array($0)) }
        #expect(content == bytes)
        #expect(after == before)
    }

    @Test("a writer fills a frame of a given size")
    func writer() throws {
        let message = try Message(size: 1000) { buffer in
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: index) }
        }
        let (content, viaSpan) = (
            message.array, message.withBytes { ($0.byteCount, $0.unsafeLoad(fromByteOffset: 257, as: UInt8.self)) }
        )
        #expect(content == (0..<1000).map { UInt8(truncatingIfNeeded: $0) })
        #expect(viaSpan == (1000, 1))
    }

    @Test("an impossible size is an error and does not trap")
    func outOfMemory() throws {
        #expect(throws: ZeroMQError(.makeMessage, code: ENOMEM)) { _ = try Message(size: .max / 2) { _ in } }
    }

    @Test("a borrowed frame refers to the caller's bytes")
    func borrowed() throws {
        let bytes = pattern(64)
        try bytes.withUnsafeBytes { buffer in
            let message = try Message(borrowing: buffer)
            let start = message.withUnsafeBytes { $0.baseAddress }
            #expect(start == buffer.baseAddress)
        }
    }

    @Test("the owner of a frame's bytes is released once if the frame is dropped unsent")
    func ownerOfDropped() throws {
        let counter = Counter()
        do {
            let owner = Owner(counter)
            let message = try Message(owning: owner, bytes: owner.bytes)
            let content = message.array
            #expect(content == pattern(Owner.size))
        }
        #expect(counter.value == 1)
    }

    @Test(
        "the owner of a frame's bytes lives until the peer has read them, and is let go once",
        arguments: Transport.allCases)
    func ownerOfSent(transport: Transport) async throws {
        let counter = Counter()
        let folder = try TemporaryFolder()
        do {
            let server = try makeSocket(.pair)
            let client = try makeSocket(.pair)
            try transport.join(server, client, in: folder)
            do {
                let owner = Owner(counter)
                let message = try Message(owning: owner, bytes: owner.bytes)
                if transport == .inproc {
                    try client.send(message)
                    // The frame has not been read, and only the message refers to the owner.
                    #expect(counter.value == 0)
                } else {
                    try client.send(message)
                }
            }
            #expect(try receiveAll(server) == [pattern(Owner.size)])
        }
        while counter.value == 0 { await Task.yield() }
        #expect(counter.value == 1)
    }

    @Test("a message is reused for one frame after the other, and is empty after it has been sent")
    func recycling() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.inproc.join(server, client, in: folder)
        var message = Message()
        for size in [1, 100_000, 33, 34, 0] {
            try sendAll([pattern(size)], from: client)
            let received = try server.receive(into: &message)
            #expect(received == .received)
            let content = message.array
            #expect(content == pattern(size))
            let sent = try server.send(&message)
            #expect(sent == .sent)
            let rest = message.count
            #expect(rest == 0)
            #expect(try receiveAll(client) == [pattern(size)])
        }
    }

    @Test("a frame from ipc names its sender's process; a frame made here names none")
    func peerAddress() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.ipc.join(server, client, in: folder)
        try sendAll([[1]], from: client)
        var message = Message()
        _ = try server.receive(into: &message)
        let address = message.peerAddress
        #expect(address == "localhost:\(getuid()):\(getgid()):\(getpid())")

        let own = Message()
        let (ownAddress, ownDescriptor) = (own.peerAddress, own.sourceDescriptor)
        #expect(ownAddress == nil)
        #expect(ownDescriptor == nil)
    }
}

/// Moves a message to the heap.
private final class Holder {
    let message: Message
    init(_ message: consuming Message) { self.message = message }
}

/// Owns bytes, and counts the deinitialized owners.
private final class Owner: @unchecked Sendable {
    static let size = 70_000
    let bytes: UnsafeRawBufferPointer
    private let counter: Counter

    init(_ counter: Counter) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Owner.size, alignment: 16)
        memory.copyBytes(from: pattern(Owner.size))
        bytes = UnsafeRawBufferPointer(memory)
        self.counter = counter
    }

    deinit {
        bytes.deallocate()
        _ = counter.increment()
    }
}
