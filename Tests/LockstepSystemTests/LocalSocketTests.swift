import Glibc
import LockstepSystem
import LockstepTimeline
import Testing

@Suite("Records and open files over a unix socket")
struct LocalSocketTests {
    @Test("Open files arrive with their record")
    func files() throws {
        let (here, there) = try pair()
        defer { for socket in [here, there] { close(socket) } }
        let region = try SharedRegion(name: "test", byteCount: 4_096, others: .readAndWrite)
        try send([1, 2, 3], files: [region.descriptor, region.descriptor], over: here)
        let (record, files) = try #require(receive(from: there))
        #expect(record == [1, 2, 3])
        #expect(files.count == 2)
        guard let file = files.removeFile(at: 0) else {
            Issue.record("no file came")
            return
        }
        #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
        let other = try SharedRegion(mapping: file, name: "test", byteCount: 4_096, access: .readAndWrite)
        other.bytes[0] = 5
        #expect(region.bytes[0] == 5)
        let isTakenTwice = files.removeFile(at: 0) != nil
        let isBeyond = files.removeFile(at: 2) != nil
        #expect(!isTakenTwice && !isBeyond)
    }

    @Test("Open files that are not removed are closed")
    func unclaimed() throws {
        let (here, there) = try pair()
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for file in [here, there, ends[0]] { close(file) } }
        try send([1], files: [ends[1]], over: here)
        close(ends[1])
        var byte: UInt8 = 0
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        withExtendedLifetime(receive(from: there)) { #expect(read(ends[0], &byte, 1) == -1) }
        // End of file on the pipe: no descriptor of its other end is open.
        #expect(read(ends[0], &byte, 1) == 0)
    }

    @Test("Records with files are received separately")
    func order() throws {
        let (here, there) = try pair()
        defer { for socket in [here, there] { close(socket) } }
        let region = try SharedRegion(name: "test", byteCount: 4_096, others: .readAndWrite)
        try send([1], files: [region.descriptor], over: here)
        try send([2], files: [region.descriptor], over: here)
        let first = try #require(receive(from: there))
        let second = try #require(receive(from: there))
        #expect((first.record, first.files.count) == ([1], 1))
        #expect((second.record, second.files.count) == ([2], 1))
        guard case .nothing = reception(at: there) else {
            Issue.record("something is left")
            return
        }
    }

    @Test("The closing of the other end is reported after its data")
    func end() throws {
        let (here, there) = try pair()
        defer { for socket in [here, there] { close(socket) } }
        try send([9], over: here)
        shutdown(here, Int32(SHUT_RDWR))
        #expect(try #require(receive(from: there)).record == [9])
        guard case .ended = reception(at: there) else {
            Issue.record("no end")
            return
        }
        #expect(throws: SystemError.self) { try send([1], over: there) }
    }

    @Test("A name has one listener, which is found only in its own network namespace")
    func listener() throws {
        let name = "lockstep-test-\(UInt64.random(in: 0 ... .max))"
        #expect(throws: SystemError.self) { _ = try LocalListener.connect(to: name) }
        let listener = try LocalListener(name: name)
        #expect(throws: SystemError.self) { _ = try LocalListener(name: name) }
        let isEarly = listener.accept() != nil
        #expect(!isEarly)
        let client = try LocalListener.connect(to: name)
        guard let server = listener.accept() else {
            Issue.record("no connection came")
            return
        }
        try send([4], over: client.number)
        LocalSocket.wait(for: server.number, until: .after(.seconds(5)))
        #expect(try #require(receive(from: server.number)).record == [4])
    }

    @Test("A set reports the members that are readable or have ended")
    func descriptorSet() throws {
        let set = try DescriptorSet()
        let (a, b) = try pair()
        let (c, d) = try pair()
        defer { for socket in [a, b, c, d] { close(socket) } }
        try set.add(b)
        try set.add(d)
        #expect(ready(set) == [])
        try send([1], over: a)
        #expect(ready(set) == [b])
        shutdown(c, Int32(SHUT_RDWR))
        #expect(Set(ready(set)) == [b, d])
        set.remove(b)
        #expect(ready(set) == [d])
    }

    private func ready(_ set: borrowing DescriptorSet) -> [Int32] {
        var members: [Int32] = []
        set.forEachReady { members.append($0) }
        return members
    }

    private func pair() throws -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    private func send(_ record: [UInt8], files: [Int32] = [], over socket: Int32) throws {
        try record.withUnsafeBytes { try LocalSocket.send($0, files: files, over: socket) }
    }

    private func receive(from socket: Int32) -> (record: [UInt8], files: ReceivedFiles)? {
        var buffer = [UInt8](repeating: 0, count: 64)
        let reception = buffer.withUnsafeMutableBytes { LocalSocket.receive(into: $0, from: socket) }
        guard case .received(let count, let files) = reception else { return nil }
        return (Array(buffer[..<count]), files)
    }

    private func reception(at socket: Int32) -> LocalSocket.Reception {
        var buffer = [UInt8](repeating: 0, count: 64)
        return buffer.withUnsafeMutableBytes { LocalSocket.receive(into: $0, from: socket) }
    }
}
