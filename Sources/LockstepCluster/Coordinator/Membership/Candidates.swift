import LockstepProtocol
import LockstepTimeline

/// Peers that have been welcomed and have not proved themselves yet.
///
/// Any peer that reaches the port can say hello. So candidates are counted apart from the members: a peer that proves nothing
/// takes no worker's place, and costs no step any time. Each candidate has a deadline, which moves on when it asks for a
/// part of the data set. Their number is bounded: a newcomer takes the place of the candidate that has been silent
/// longest, which is told to say hello again.
struct Candidates: Sendable {
    struct Candidate: Sendable {
        let id: MemberID
        let peer: PeerID
        let hello: Hello
        /// When it must have proved itself.
        fileprivate(set) var until: Instant

        /// Its identity, for people.
        var info: MemberInfo { MemberInfo(id, hello) }
    }

    /// The most candidates: as many as a run has workers.
    static let most = 1_024

    private let handshake: Double
    /// In the order of their deadlines.
    private var waiting: [Candidate] = []

    /// - Parameter handshake: Seconds that a candidate may be silent.
    init(handshake: Double) {
        self.handshake = handshake
    }

    var count: Int { waiting.count }

    /// All candidates, in the order of their numbers.
    var all: [Candidate] { waiting.sorted { $0.id.rawValue < $1.id.rawValue } }

    /// When the first candidate must have proved itself; nil if there is none.
    var nextDeadline: Instant? { waiting.first?.until }

    func candidate(on peer: PeerID) -> Candidate? {
        waiting.first { $0.peer == peer }
    }

    /// The candidate with this number, if it speaks over its own connection.
    func candidate(on peer: PeerID, _ id: MemberID) -> Candidate? {
        waiting.first { $0.peer == peer && $0.id == id }
    }

    func candidate(_ id: MemberID) -> Candidate? {
        waiting.first { $0.id == id }
    }

    /// Adds a candidate.
    ///
    /// - Returns: The candidate that had to make room for it.
    mutating func add(_ id: MemberID, on peer: PeerID, _ hello: Hello, now: Instant) -> Candidate? {
        let displaced = waiting.count >= Self.most ? waiting.removeFirst() : nil
        waiting.append(Candidate(id: id, peer: peer, hello: hello, until: now.advanced(bySeconds: handshake)))
        return displaced
    }

    /// Moves a candidate's deadline on: it has asked for data.
    mutating func extend(_ id: MemberID, now: Instant) {
        guard var candidate = remove(id) else { return }
        candidate.until = now.advanced(bySeconds: handshake)
        waiting.append(candidate)
    }

    @discardableResult
    mutating func remove(_ id: MemberID) -> Candidate? {
        waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
    }

    /// Removes and returns a candidate whose deadline has passed; nil if there is none.
    mutating func removeOverdue(at now: Instant) -> Candidate? {
        guard let first = waiting.first, first.until <= now else { return nil }
        return waiting.removeFirst()
    }
}
