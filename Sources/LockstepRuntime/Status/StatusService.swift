import LockstepCluster
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Answers ping and status requests from clients that are not workers.
final class StatusService {
    /// Seconds for which a report is reused. So it is made at most ten times a second, however many clients ask for it.
    private static let lifetime = 0.1

    private let welcome: [UInt8]
    private var report: [UInt8] = []
    private var expiry = Instant(nanoseconds: 0)
    private var computeTimes = ComputeTimes()
    /// The content of answers to pings. It is sent by reference, so no client can make the coordinator allocate memory.
    private lazy var pingPayload = FloatBuffer(count: ChunkLayout.maximumElements)

    /// - Parameter welcome: The run's welcome, encoded.
    init(welcome: [UInt8]) {
        self.welcome = welcome
    }

    /// Adds the time that a worker reports for a node.
    func add(_ nanoseconds: UInt64, of member: MemberID) {
        computeTimes.add(member, nanoseconds)
    }

    /// Answers a ping with as many bytes as it requests, up to a limit.
    func answerPing(_ header: Header, from peer: PeerID, over link: CoordinatorLink) throws {
        let bytes = UnsafeRawBufferPointer(pingPayload.buffer)
        let count = max(1, min(Int(header.offset), bytes.count))
        try link.post(
            to: peer, Header(kind: .pong, step: header.step),
            borrowing: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }

    /// Answers a request for the run's status.
    func answerStatus(
        _ header: Header, from peer: PeerID, over link: CoordinatorLink, status: () -> ClusterStatus
    ) throws {
        if expiry <= .now {
            report = try makeReport(status()).encoded()
            expiry = Instant.now.advanced(bySeconds: Self.lifetime)
        }
        try link.send(to: peer, Header(kind: .status, step: header.step), copying: report)
    }

    /// The run's status, for this process.
    func makeReport(_ status: ClusterStatus) throws -> StatusReport {
        computeTimes.retain(status.workers)
        let description = try welcome.withUnsafeBytes { try Welcome(decoding: $0) }
        return StatusReport(
            description, cluster: status, computeTimes: computeTimes.nanoseconds, programVersion: programVersion)
    }
}

extension StatusService {
    /// The compute time of each member, as a moving average.
    struct ComputeTimes {
        private(set) var nanoseconds: [UInt32: UInt64] = [:]

        /// Adds the time that a member reports for a node. An absurd time counts as 2^50 ns.
        mutating func add(_ member: MemberID, _ new: UInt64) {
            let new = min(new, 1 << 50)
            guard let old = nanoseconds[member.rawValue] else {
                nanoseconds[member.rawValue] = new
                return
            }
            nanoseconds[member.rawValue] = old - old / 16 + new / 16
        }

        /// Removes members that no longer take part.
        mutating func retain(_ members: [ClusterStatus.Worker]) {
            let present = Set(members.map(\.member))
            nanoseconds = nanoseconds.filter { present.contains($0.key) }
        }
    }
}
