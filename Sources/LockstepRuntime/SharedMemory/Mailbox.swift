import CProcessor
import Glibc
import LockstepProtocol
import LockstepTimeline

/// One process's side of a pair of mailboxes in shared memory: it puts records into its own mailbox and receives the records of
/// the other one, without system calls.
///
/// The idea: a task and its answer are a few bytes, and sending them through sockets takes five times as long as computing a
/// small step. Here the sender writes a record into memory that the receiver reads whenever it polls: a doorbell.
///
/// A mailbox is one page that one process writes. The first cache line holds two numbers: how many records the writer has received
/// from the other mailbox, and whether the writer sleeps. Each further line has room for one record:
///
/// | offset | bytes | field | why it is there |
/// | --- | --- | --- | --- |
/// | 0 | 8 | sequence | the record's number, from 1 on; it is written last, so a record with the next number is complete |
/// | 8 | 8 | time | when the record was put, in nanoseconds: shows how long a waiting thread was without a core |
/// | 16 | 32 | header | ``Header``, with a checksum as in a message |
/// | 48 | 16 | payload | ``NodeResult``, if the kind has one |
///
/// A receiver trusts the other process no more than a peer on the network. It copies a record once and then validates the
/// copy, so that the other process cannot change what has been checked. The ring is bounded: a record that does not fit is sent
/// as a message. Each message to this process that the other one sends after a record is handled after the record, because the
/// receiver empties the mailbox before it handles a message.
struct Mailbox {
    /// Bytes of a mailbox.
    static let size = 4_096
    /// Bytes of a record.
    static let recordSize = 64
    /// The most records that have not been received.
    static let capacity = size / recordSize - 1

    /// What becomes of a record.
    enum Delivery {
        /// The other process polls its mailbox.
        case isSeen
        /// The other process sleeps, or is about to: it must be woken.
        case needsWaking
        /// There is no room: the record must be sent as a message.
        case isFull
    }

    private enum Offset {
        static let received = 0
        static let isAsleep = 8
        static let time = 8
        static let header = 16
        static let payload = 48
    }

    private let own: UnsafeMutableRawPointer
    private let other: UnsafeRawPointer
    private let otherFlag: UnsafeRawPointer
    private var put: UInt64 = 0
    private var received: UInt64 = 0

    /// - Parameters:
    ///   - own: The page that this process writes, all zeros at first.
    ///   - other: The page that the other process writes.
    ///   - otherFlag: The page in which the other process says whether it sleeps.
    init(own: UnsafeMutableRawPointer, other: UnsafeRawPointer, otherFlag: UnsafeRawPointer) {
        self.own = own
        self.other = other
        self.otherFlag = otherFlag
    }

    // MARK: - Sending

    /// Puts a record.
    ///
    /// - Parameters:
    ///   - header: Of a kind without payload, or of a node's result.
    ///   - result: The payload of a node's result.
    ///   - now: The current time.
    /// - Returns: What the caller must do next.
    mutating func put(_ header: Header, _ result: NodeResult? = nil, now: Instant) -> Delivery {
        // The other process writes this number, so it may be anything.
        let received = lockstep_load_acquire(other + Offset.received)
        guard received <= put, put - received < UInt64(Self.capacity) else { return .isFull }
        let record = UnsafeMutableRawBufferPointer(start: own + Self.offset(of: put), count: Self.recordSize)
        record.storeBytes(of: now.nanoseconds, toByteOffset: Offset.time, as: UInt64.self)
        let payload = UnsafeMutableRawBufferPointer(rebasing: record[Offset.payload...])
        result?.encode(into: payload)
        header.encode(
            into: UnsafeMutableRawBufferPointer(rebasing: record[Offset.header..<Offset.payload]),
            payload: result == nil ? nil : UnsafeRawBufferPointer(payload))
        put += 1
        lockstep_store_release(own + Self.offset(of: put - 1), put)
        // Between the record and the look at the flag: see ``setAsleep(_:in:)``.
        lockstep_fence()
        return lockstep_load_acquire(otherFlag + Offset.isAsleep) == 0 ? .isSeen : .needsWaking
    }

    /// Says in a page that this process writes whether it sleeps. A process that is about to sleep calls this and then looks into
    /// its mailboxes once more: either it finds the record that was put meanwhile, or the sender finds the flag.
    static func setAsleep(_ isAsleep: Bool, in page: UnsafeMutableRawPointer) {
        lockstep_store_release(page + Offset.isAsleep, isAsleep ? 1 : 0)
        if isAsleep { lockstep_fence() }
    }

    // MARK: - Receiving

    /// When the next record was put; nil if there is none.
    var nextTime: Instant? {
        let record = other + Self.offset(of: received)
        guard lockstep_load_acquire(record) == received + 1 else { return nil }
        return Instant(nanoseconds: record.load(fromByteOffset: Offset.time, as: UInt64.self))
    }

    /// Receives the next record.
    ///
    /// - Returns: The record; nil if there is none.
    /// - Throws: `ProtocolError` if it cannot be read. It counts as received then, too.
    mutating func receive() throws(ProtocolError) -> (header: Header, result: NodeResult?)? {
        guard nextTime != nil else { return nil }
        var copy = Record()
        let record = UnsafeRawBufferPointer(start: other + Self.offset(of: received), count: Self.recordSize)
        withUnsafeMutableBytes(of: &copy) { $0.copyMemory(from: record) }
        received += 1
        lockstep_store_release(own + Offset.received, received)
        return try Self.decode(&copy)
    }

    private static func decode(_ record: inout Record) throws(ProtocolError) -> (header: Header, result: NodeResult?) {
        try withUnsafeBytes(of: &record) { bytes throws(ProtocolError) in
            let frame = UnsafeRawBufferPointer(rebasing: bytes[Offset.header..<Offset.payload])
            let header = try Header(decoding: frame)
            let hasResult = header.kind == .nodeResult
            let payload = hasResult ? UnsafeRawBufferPointer(rebasing: bytes[Offset.payload...]) : nil
            try Header.verify(frame, payload: payload)
            guard hasResult || !header.kind.hasPayload else { throw .unexpectedKind(header.kind) }
            return (header, try payload.map { payload throws(ProtocolError) in try NodeResult(decoding: payload) })
        }
    }

    private static func offset(of index: UInt64) -> Int { (1 + Int(index % UInt64(capacity))) * recordSize }

    /// The bytes of a record.
    private struct Record {
        var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    }
}
