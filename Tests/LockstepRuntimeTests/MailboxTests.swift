import Glibc
import LockstepCluster
import LockstepProtocol
import LockstepSystem
import LockstepTesting
import LockstepTimeline
import Testing

@testable import LockstepRuntime

/// Records in shared memory, the other process honest or not.
@Suite("Mailboxes")
struct MailboxTests {
    /// The two pages of a pair of mailboxes, and the mailboxes on both sides.
    private final class Pair: @unchecked Sendable {
        let pages = [0, 1].map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: Mailbox.size, alignment: 64) }
        var coordinator: Mailbox
        var worker: Mailbox

        init() {
            for page in pages { page.initializeMemory(as: UInt8.self, repeating: 0) }
            guard let down = pages[0].baseAddress, let up = pages[1].baseAddress else { fatalError("no memory") }
            coordinator = Mailbox(own: down, other: UnsafeRawPointer(up), otherFlag: UnsafeRawPointer(up))
            worker = Mailbox(own: up, other: UnsafeRawPointer(down), otherFlag: UnsafeRawPointer(down))
        }

        deinit {
            for page in pages { page.deallocate() }
        }
    }

    private func task(_ number: Int) -> Header {
        Header(
            kind: .assign, run: 7, member: 3, unit: UInt32(number), step: UInt64(number) << 20, segment: UInt16(number))
    }

    private let now = Instant(nanoseconds: 1_000)

    @Test("Records arrive once, in order, as they were put")
    func order() throws {
        let pair = Pair()
        #expect(try pair.worker.receive() == nil)
        for round in 0..<100 {
            for number in 0..<5 {
                #expect(pair.coordinator.put(task(5 * round + number), now: now) == .isSeen)
            }
            #expect(pair.worker.nextTime == now)
            for number in 0..<5 {
                let record = try #require(try pair.worker.receive())
                #expect(record.header == task(5 * round + number) && record.result == nil)
            }
            #expect(pair.worker.nextTime == nil)
        }
        let result = NodeResult(lossSum: 0.25, computeNanoseconds: 99)
        let answer = Header(kind: .nodeResult, run: 7, member: 3, unit: 4, step: 5)
        #expect(pair.worker.put(answer, result, now: now) == .isSeen)
        let record = try #require(try pair.coordinator.receive())
        #expect(record.header == answer && record.result == result)
    }

    @Test("A full mailbox takes no record, and one for each record that is taken")
    func full() throws {
        let pair = Pair()
        for number in 0..<Mailbox.capacity { #expect(pair.coordinator.put(task(number), now: now) == .isSeen) }
        #expect(pair.coordinator.put(task(1_000), now: now) == .isFull)
        #expect(try pair.worker.receive()?.header == task(0))
        #expect(pair.coordinator.put(task(1_001), now: now) == .isSeen)
        #expect(pair.coordinator.put(task(1_002), now: now) == .isFull)
        for number in 1..<Mailbox.capacity { #expect(try pair.worker.receive()?.header == task(number)) }
        #expect(try pair.worker.receive()?.header == task(1_001))
        #expect(try pair.worker.receive() == nil)
    }

    @Test("A process that says that it sleeps is to be woken")
    func asleep() throws {
        let pair = Pair()
        let page = try #require(pair.pages[1].baseAddress)
        Mailbox.setAsleep(true, in: page)
        #expect(pair.coordinator.put(task(1), now: now) == .needsWaking)
        Mailbox.setAsleep(false, in: page)
        #expect(pair.coordinator.put(task(2), now: now) == .isSeen)
        #expect(pair.worker.put(task(3), now: now) == .isSeen)
    }

    @Test("A sender that claims to have taken records that were never put gets no more")
    func lyingReceiver() throws {
        for taken: UInt64 in [1, 64, 1 << 63, .max] {
            let pair = Pair()
            pair.pages[1].storeBytes(of: taken, as: UInt64.self)
            #expect(pair.coordinator.put(task(1), now: now) == .isFull, "\(taken)")
        }
    }

    @Test("Each flipped bit of a record but the time's is found, and the next record is read")
    func flipped() throws {
        for bit in 8 * 16..<8 * Mailbox.recordSize {
            let pair = Pair()
            let answer = Header(kind: .nodeResult, run: 7, member: 3, unit: 4, step: 5)
            for number in 1...2 {
                _ = pair.worker.put(answer, NodeResult(lossSum: Double(number), computeNanoseconds: 1), now: now)
            }
            pair.pages[1][Mailbox.recordSize + bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: ProtocolError.self, "bit \(bit)") { try pair.coordinator.receive() }
            #expect(try pair.coordinator.receive()?.result?.lossSum == 2)
        }
    }

    @Test("Random bytes in the other process's page give errors or nothing, never a record", arguments: 0..<50)
    func random(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let pair = Pair()
        var errors = 0
        for number in 0..<2_000 {
            for index in pair.pages[1].indices where Int.random(in: 0..<4, using: &random) == 0 {
                pair.pages[1][index] = UInt8.random(in: 0...255, using: &random)
            }
            // A sequence number that the reader waits for: the rest is random.
            let place = Mailbox.recordSize * (1 + errors % Mailbox.capacity)
            if number % 2 == 0 {
                pair.pages[1].storeBytes(of: UInt64(errors + 1), toByteOffset: place, as: UInt64.self)
            }
            do {
                #expect(try pair.coordinator.receive() == nil)
            } catch {
                errors += 1
            }
            _ = pair.coordinator.put(task(number), now: now)
        }
        #expect(errors >= 1_000, "seed \(seed)")
    }

    @Test("A worker's mailbox has results of this worker alone")
    func kinds() throws {
        let layout = RegionLayout(parameters: 10, shards: 4)
        let region = try MemberRegion(member: MemberID(rawValue: 3), layout: layout)
        region.usesMailbox = true
        let file = FileDescriptor(owning: dup(region.descriptor))
        let memory = try SharedRegion(
            mapping: file, name: "gradients", byteCount: layout.gradientBytes, access: .readAndWrite)
        let page = try #require(RegionLayout.page(of: memory.bytes))
        let pair = Pair()
        let unused = UnsafeRawPointer(try #require(pair.pages[0].baseAddress))
        var worker = Mailbox(own: page, other: unused, otherFlag: unused)
        let result = NodeResult(lossSum: 1, computeNanoseconds: 2)
        _ = worker.put(Header(kind: .nodeResult, run: 7, member: 3, unit: 4), result, now: now)
        _ = worker.put(Header(kind: .nodeResult, run: 7, member: 2, unit: 4), result, now: now)
        _ = worker.put(Header(kind: .assign, run: 7, member: 3, unit: 4), now: now)
        #expect(region.nextMailTime == now)
        #expect(try region.receiveMail()?.result == result)
        #expect(throws: ProtocolError.unexpectedKind(.nodeResult)) { try region.receiveMail() }
        #expect(throws: ProtocolError.unexpectedKind(.assign)) { try region.receiveMail() }
        #expect(try region.receiveMail() == nil)
    }

    @Test("A worker is woken by a task that comes while it sleeps, and by no other")
    func sleepingWorker() throws {
        var wakes = 0
        let layout = RegionLayout(parameters: 10, shards: 2)
        let region = try MemberRegion(member: MemberID(rawValue: 3), layout: layout) { wakes += 1 }
        let file = try FileDescriptor(duplicating: region.descriptor)
        let mapped = try SharedRegion(
            mapping: file, name: "gradients", byteCount: layout.gradientBytes, access: .readAndWrite)
        let page = try #require(RegionLayout.page(of: mapped.bytes))
        #expect(!region.put(task(1)), "the worker has not said that it reads its mailbox")
        region.usesMailbox = true
        #expect(region.put(task(2)) && wakes == 0)
        Mailbox.setAsleep(true, in: page)
        #expect(region.put(task(3)) && wakes == 1)
        Mailbox.setAsleep(false, in: page)
        #expect(region.put(task(4)) && wakes == 1)
        Mailbox.setAsleep(true, in: page)
        while region.put(task(5)) {}
        #expect(wakes == 1 + Mailbox.capacity - 3, "a task without room wakes no worker")
    }

    @Test("A thread that sleeps whenever it finds no record, and is woken when it says so, misses none")
    func waking() throws {
        let pair = Pair()
        let count = 200_000
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let (coordinatorSocket, workerSocket) = (ends[0], ends[1])
        defer { for socket in ends { close(socket) } }
        let page = try #require(pair.pages[1].baseAddress)
        let flag = UInt(bitPattern: page)
        let thread = try Thread(name: "worker") {
            var taken = 0
            while taken < count, let page = UnsafeMutableRawPointer(bitPattern: flag) {
                while let record = try? pair.worker.receive() {
                    guard record.header == task(taken % 1_000) else { return }
                    taken += 1
                }
                guard taken < count else { return }
                Mailbox.setAsleep(true, in: page)
                if pair.worker.nextTime == nil {
                    var item = pollfd(fd: workerSocket, events: Int16(POLLIN), revents: 0)
                    poll(&item, 1, -1)
                    var messages = [UInt8](repeating: 0, count: 512)
                    _ = messages.withUnsafeMutableBytes { LocalSocket.receive(into: $0, from: workerSocket) }
                }
                Mailbox.setAsleep(false, in: page)
            }
        }
        var number = 0
        while number < count {
            switch pair.coordinator.put(task(number % 1_000), now: now) {
            case .isSeen: number += 1
            case .needsWaking:
                number += 1
                RegionMessage.wake(run: 7, member: 3, over: coordinatorSocket)
            case .isFull: sched_yield()
            }
        }
        thread.join()
        // The last record that was taken says how many came before it.
        #expect(pair.pages[1].load(as: UInt64.self) == UInt64(count))
    }
}
