import CInterposition
import Glibc
import LockstepSystem
import Testing

@testable import ZeroMQ

/// A thread that accepts connections over TCP and waits for them with epoll, as libzmq's I/O threads do.
private struct AcceptingThread: ~Copyable {
    let set = epoll_create1(0)
    /// What other threads of the process wake it with.
    let mailbox: EventDescriptor
    private let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    private var address = sockaddr_in()

    init() throws {
        mailbox = try EventDescriptor()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withAddress { _ = bind(listener, $0, size) }
        _ = listen(listener, 4)
        withUnsafeMutablePointer(to: &address) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        add(mailbox.number)
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>) -> Void) {
        withUnsafePointer(to: address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }

    private func add(_ descriptor: Int32) {
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: descriptor))
        #expect(epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0)
    }

    /// Makes a connection, and returns the descriptors of both ends.
    func connection() -> (accepted: Int32, peer: Int32) {
        let peer = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        withAddress { #expect(connect(peer, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0) }
        var from = sockaddr()
        var size = socklen_t(MemoryLayout<sockaddr>.size)
        let accepted = accept(listener, &from, &size)
        #expect(accepted >= 0)
        add(accepted)
        return (accepted, peer)
    }

    /// Waits as libzmq does. Returns the descriptors that are ready, and the milliseconds that this took.
    func wait(_ timeout: Int32 = -1) -> (ready: Set<Int32>, milliseconds: Double) {
        var events = Array(repeating: epoll_event(), count: 8)
        let start = ContinuousClock.now
        let count = epoll_wait(set, &events, 8, timeout)
        let duration = (ContinuousClock.now - start) / .milliseconds(1)
        return (Set(events.prefix(Int(max(0, count))).map(\.data.fd)), duration)
    }
}

@Suite("Pacing of strangers")
struct PacingTests {
    @Test("What a stranger sends waits for the interval; what a member or this process sends does not")
    func waits() async {
        // In a process of its own: the interval holds for all of its threads.
        await #expect(processExitsWith: .success) {
            Pacing.start(milliseconds: 30_000)
            let thread = try AcceptingThread()
            let (stranger, member) = (thread.connection(), thread.connection())
            var byte: UInt8 = 1
            send(stranger.peer, &byte, 1, 0)
            // The time limit of the wait itself ends the pause earlier.
            let alone = thread.wait(200)
            #expect(alone.ready == [stranger.accepted] && alone.milliseconds >= 200)

            Pacing.prefer(member.accepted)
            send(member.peer, &byte, 1, 0)
            let beside = thread.wait()
            #expect(beside.ready == [member.accepted] && beside.milliseconds < 30_000)
            // Not all that has arrived need be read at once.
            #expect(thread.wait().ready == [member.accepted])
            recv(member.accepted, &byte, 1, 0)

            thread.mailbox.signal()
            let woken = thread.wait()
            #expect(woken.ready == [thread.mailbox.number] && woken.milliseconds < 30_000)
            thread.mailbox.reset()

            // libzmq waits until it can write while it has more to write.
            var event = epoll_event(
                events: EPOLLIN.rawValue | EPOLLOUT.rawValue, data: epoll_data_t(fd: member.accepted))
            #expect(epoll_ctl(thread.set, EPOLL_CTL_MOD, member.accepted, &event) == 0)
            #expect(thread.wait().ready == [member.accepted])
            event.events = EPOLLIN.rawValue
            #expect(epoll_ctl(thread.set, EPOLL_CTL_MOD, member.accepted, &event) == 0)

            Pacing.stopPreferring(member.accepted)
            send(member.peer, &byte, 1, 0)
            #expect(thread.wait(200).milliseconds >= 200)
        }
    }

    @Test("A stranger has its turn however much a member sends, and a connection that is no longer waited for has none")
    func turns() async {
        await #expect(processExitsWith: .success) {
            Pacing.start(milliseconds: 20)
            let thread = try AcceptingThread()
            let (stranger, member) = (thread.connection(), thread.connection())
            Pacing.prefer(member.accepted)
            var byte: UInt8 = 1
            send(stranger.peer, &byte, 1, 0)
            send(member.peer, &byte, 1, 0)
            var turns = (ofMember: 0, ofStranger: 0)
            // The member's byte is never read.
            while turns.ofMember < 1_000 || turns.ofStranger < 3 {
                let ready = thread.wait().ready
                if ready.contains(member.accepted) { turns.ofMember += 1 }
                if ready.contains(stranger.accepted) { turns.ofStranger += 1 }
            }
            var event = epoll_event()
            #expect(epoll_ctl(thread.set, EPOLL_CTL_DEL, member.accepted, &event) == 0)
            for _ in 0..<5 { #expect(thread.wait().ready == [stranger.accepted]) }
        }
    }

    @Test("A thread that has accepted no connection over TCP does not wait")
    func others() async {
        await #expect(processExitsWith: .success) {
            let set = epoll_create1(0)
            var ends: [Int32] = [0, 0]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(fd: ends[0]))
            #expect(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0)
            Pacing.start(milliseconds: 30_000)
            var byte: UInt8 = 1
            send(ends[1], &byte, 1, 0)
            let start = ContinuousClock.now
            #expect(epoll_wait(set, &event, 1, -1) == 1)
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }
}
