import Glibc
import LockstepTesting
import Testing
import ZeroMQ

@Suite("Pollers")
struct PollerTests {
    @Test("one wait covers sockets and descriptors")
    func socketsAndDescriptors() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.ipc.join(server, client, in: folder)
        let pipe = try Pipe()
        var poller = Poller(context: try sharedContext())
        let socketToken = poller.add(server)
        let pipeToken = poller.add(descriptor: pipe.read)

        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        #expect(poller.events(for: socketToken).isEmpty)

        try sendAll([[1]], from: client)
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: socketToken) == .input)
        #expect(poller.events(for: pipeToken) == [])

        pipe.write()
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(2))
        #expect(poller.events(for: pipeToken) == .input)

        #expect(try receiveAll(server) == [[1]])
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: socketToken) == [])
    }

    @Test("the end of a pipe is an error event even if it was not requested")
    func endOfPipe() throws {
        let pipe = try Pipe()
        var poller = Poller(context: try sharedContext())
        let token = poller.add(descriptor: pipe.read)
        pipe.closeWriter()
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: token) == .error)
    }

    @Test("a closed socket is no longer polled")
    func closedSocket() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.inproc.join(server, client, in: folder)
        try sendAll([[1]], from: client)
        var poller = Poller(context: try sharedContext())
        let token = poller.add(server)
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        server.close(linger: 0)
        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        #expect(poller.events(for: token) == [])
    }

    @Test("the token of a removed item is invalid even after its place is reused")
    func removal() throws {
        let pipe = try Pipe()
        pipe.write()
        var poller = Poller(context: try sharedContext())
        let first = poller.add(descriptor: pipe.read)
        poller.remove(first)
        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        let second = poller.add(descriptor: pipe.read)
        poller.remove(first)
        poller.setEvents([], for: first)
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: first) == [])
        #expect(poller.events(for: second) == .input)
    }

    @Test("an item without events is paused")
    func paused() throws {
        let folder = try TemporaryFolder()
        let server = try makeSocket(.pair)
        let client = try makeSocket(.pair)
        try Transport.inproc.join(server, client, in: folder)
        try sendAll([[1]], from: client)
        var poller = Poller(context: try sharedContext())
        let token = poller.add(server)
        poller.setEvents([], for: token)
        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        poller.setEvents([.input, .output], for: token)
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(1))
        #expect(poller.events(for: token) == [.input, .output])
    }

    @Test("more items than the capacity can be added")
    func growth() throws {
        let pipe = try Pipe()
        var poller = Poller(context: try sharedContext(), capacity: 1)
        for _ in 0..<40 { _ = poller.add(descriptor: pipe.read) }
        pipe.write()
        #expect(try poller.wait(timeoutMilliseconds: 10_000) == .ready(40))
    }

    @Test("an empty poller waits and times out")
    func empty() throws {
        var poller = Poller(context: try sharedContext())
        #expect(try poller.wait(timeoutMilliseconds: 0) == .timedOut)
        #expect(try poller.wait(timeoutMilliseconds: 1) == .timedOut)
    }
}

/// A pipe that closes with its last reference.
private final class Pipe {
    let read: Int32
    private var writer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw ZeroMQError(.poll, code: errno) }
        (read, writer) = (ends[0], ends[1])
    }

    deinit {
        close(read)
        closeWriter()
    }

    func write() {
        var byte: UInt8 = 1
        _ = Glibc.write(writer, &byte, 1)
    }

    func closeWriter() {
        if writer >= 0 { close(writer) }
        writer = -1
    }
}
