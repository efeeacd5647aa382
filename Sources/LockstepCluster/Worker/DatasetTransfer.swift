import LockstepTimeline

/// The transfer of a data set to a worker: parts are requested in order, a few at a time.
///
/// A part comes as one frame, and a frame that takes longer than the heartbeat's timeout would end the connection. So the
/// first parts are small, and parts grow while they come quickly. Several are under way, so that the link is never idle.
struct DatasetTransfer: Hashable, Sendable {
    /// The bytes of a part: at first, at least and at most.
    static let (firstPart, smallestPart, largestPart) = (UInt64(16 << 10), UInt64(4 << 10), UInt64(1 << 20))
    /// The most parts that are under way.
    static let maximumPartsUnderWay = 4
    /// Seconds from request to arrival below which parts grow, and above which they shrink.
    private static let (quick, slow) = (0.25, 1.0)

    private struct Part: Hashable {
        let bytes: UInt64
        let requestedAt: Instant
    }

    private let total: UInt64
    private(set) var received: UInt64
    private var requested: UInt64
    private var underWay: [Part] = []
    private var partBytes = firstPart

    /// - Parameters:
    ///   - total: Bytes of the data set.
    ///   - received: Bytes that have arrived already.
    init(total: UInt64, received: UInt64 = 0) {
        self.total = total
        self.received = min(received, total)
        requested = self.received
    }

    var isComplete: Bool { received == total }

    /// The part to request now; nil if none is due.
    mutating func nextPart(at now: Instant) -> (offset: UInt64, count: Int)? {
        guard requested < total, underWay.count < Self.maximumPartsUnderWay else { return nil }
        let bytes = min(partBytes, total - requested)
        underWay.append(Part(bytes: bytes, requestedAt: now))
        defer { requested += bytes }
        return (requested, Int(bytes))
    }

    /// Counts a part that has come.
    ///
    /// - Returns: False if it is not the one that was requested first.
    mutating func receive(offset: UInt64, count: Int, at now: Instant) -> Bool {
        guard let part = underWay.first, offset == received, UInt64(count) == part.bytes else { return false }
        underWay.removeFirst()
        received += part.bytes
        let seconds = now.seconds(since: part.requestedAt)
        if seconds < Self.quick {
            partBytes = min(Self.largestPart, max(partBytes, 2 * part.bytes))
        } else if seconds > Self.slow {
            partBytes = max(Self.smallestPart, part.bytes / 2)
        }
        return true
    }
}
