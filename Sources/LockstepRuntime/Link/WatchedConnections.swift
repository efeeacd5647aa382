import LockstepTimeline

/// The open connections of a socket, and how much of what came over each lies unread.
///
/// For each connection two counters are compared: the bytes that the kernel has received, and the bytes of the messages that
/// the coordinator's loop has read. The difference lies in libzmq's memory, and ``ConnectionLimits`` limits it. Handshakes
/// and heartbeats are received and never read by the loop, so allowances are subtracted for them.
///
/// Only connections over TCP are checked: the processes at the other end of ipc are the same user's.
struct WatchedConnections {
    /// A connection and what is known about it.
    private final class Watched {
        let connection: Connection
        /// Bytes that had been received at the last check.
        var received: UInt64 = 0
        /// Received bytes that are taken for heartbeats and so do not count as unread.
        var heartbeatBytes: UInt64 = 0
        var lastCheck: Instant
        /// Whether bytes had arrived at the last check since the one before.
        var isSending = true
        var isCut = false
        /// Whether the loop has read a message from it.
        var hasDelivered = false

        init(_ connection: Connection, now: Instant) {
            self.connection = connection
            lastCheck = now
        }

        /// Bytes that have been received, are no heartbeats, and have not been read by the loop.
        var unread: UInt64 {
            let accounted = connection.deliveredBytes + heartbeatBytes
            return received > accounted ? received - accounted : 0
        }

        /// Whether the connection is checked at this time: one over which nothing came lately waits for the longer interval.
        func isDue(_ now: Instant) -> Bool {
            isSending || now.seconds(since: lastCheck) * 1_000 >= Double(WatchedConnections.intervals.quiet)
        }

        /// Unread bytes of a peer that is no member, beyond those of its handshake.
        var excess: UInt64 { max(unread, ConnectionLimits.handshake) - ConnectionLimits.handshake }
    }

    /// Milliseconds between two checks of a connection: while a peer that is no member sends over it, and otherwise. Each
    /// check is a system call, and hundreds of connections may do nothing.
    static let intervals = (sending: Int32(5), quiet: Int32(20))
    /// The interval when no connection needs a check, as poll(2) takes it.
    static let noCheck: Int32 = -1

    private let limits: ConnectionLimits
    private var watched: [Int32: Watched] = [:]

    /// - Parameter limits: The bytes beyond which a connection is cut.
    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    /// Adds a connection that has been accepted.
    mutating func add(_ connection: Connection, now: Instant) {
        watched[connection.descriptor] = Watched(connection, now: now)
    }

    /// Removes a connection that has ended.
    ///
    /// - Parameter descriptor: The descriptor that the connection had.
    /// - Returns: The connection, and whether the loop has read a message from it; nil if there was none.
    mutating func remove(_ descriptor: Int32) -> (connection: Connection, hasDelivered: Bool)? {
        watched.removeValue(forKey: descriptor).map { ($0.connection, $0.hasDelivered) }
    }

    /// Records that the loop has read a message.
    ///
    /// - Parameter descriptor: The descriptor of the message's connection.
    /// - Returns: The connection, and whether the message was its first; nil if there is none.
    func recordMessage(over descriptor: Int32) -> (connection: Connection, isFirst: Bool)? {
        guard let found = watched[descriptor] else { return nil }
        defer { found.hasDelivered = true }
        return (found.connection, !found.hasDelivered)
    }

    /// Checks all connections once, and cuts those over the limits.
    ///
    /// - Parameter now: The current time.
    /// - Returns: The connections that were cut, and milliseconds until the next check or ``noCheck``.
    func check(now: Instant) -> (cut: [Connection], interval: Int32) {
        var (cut, total): ([Connection], UInt64) = ([], 0)
        var (isNeeded, isSending) = (false, false)
        for found in watched.values where !found.isCut && found.connection.isTCP {
            if found.isDue(now) {
                guard let received = found.connection.receivedBytes else { continue }
                let seconds = now.seconds(since: found.lastCheck)
                found.isSending = received != found.received
                (found.received, found.lastCheck) = (received, now)
                if found.connection.isMember {
                    found.heartbeatBytes += min(found.unread, UInt64(seconds * ConnectionLimits.heartbeats))
                    if found.unread > limits.member { cut.append(abort(found)) }
                } else {
                    isSending = isSending || found.isSending
                    if found.unread > limits.nonMember { cut.append(abort(found)) }
                }
            }
            isNeeded = true
            if !found.connection.isMember, !found.isCut { total += found.excess }
        }
        if total > limits.nonMembers { cut += cutLargest(until: total - limits.nonMembers) }
        let interval = isSending ? Self.intervals.sending : Self.intervals.quiet
        return (cut, isNeeded ? interval : Self.noCheck)
    }

    /// Cuts connections of peers that are no members until so many bytes are gone; the connection with the most unread
    /// bytes first.
    private func cutLargest(until excess: UInt64) -> [Connection] {
        var (cut, left): ([Connection], UInt64) = ([], excess)
        let nonMembers = watched.values.filter { !$0.connection.isMember && !$0.isCut }
        for nonMember in nonMembers.sorted(by: { $0.excess > $1.excess }) where left > 0 && nonMember.excess > 0 {
            cut.append(abort(nonMember))
            left -= min(left, nonMember.excess)
        }
        return cut
    }

    private func abort(_ watched: Watched) -> Connection {
        watched.isCut = true
        watched.connection.abort()
        return watched.connection
    }
}
