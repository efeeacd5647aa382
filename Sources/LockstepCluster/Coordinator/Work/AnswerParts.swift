package import LockstepProtocol
package import LockstepSharding

/// The chunks that each member has sent of its present answer. An answer counts only once all its chunks have arrived,
/// whatever the peer claims; otherwise a step could end without some of its sums.
package struct AnswerParts: Sendable {
    private struct Answer: Sendable {
        let member: MemberID
        var item: WorkItem
        var chunks: ChunkSet
        var arriving = ArrivingChunk()

        var isEmpty: Bool { chunks.count == 0 && arriving.isEmpty }
    }

    private let chunks: Int
    /// One answer for each member: a worker computes one item after the other.
    private var answers: [Answer] = []

    /// - Parameter chunks: The number of chunks of an answer.
    package init(chunks: Int) {
        self.chunks = chunks
    }

    /// Adds a part of a chunk that has arrived.
    ///
    /// - Returns: Whether it is the answer's first.
    /// - Throws: `inconsistent` if it does not follow on the part before.
    package mutating func insert(
        _ part: ChunkPart, of item: WorkItem, from member: MemberID
    ) throws(ProtocolError) -> Bool {
        let index = answers.firstIndex { $0.member == member } ?? answers.count
        if index == answers.count {
            answers.append(Answer(member: member, item: item, chunks: ChunkSet(version: 0, capacity: chunks)))
        }
        let isFirst = answers[index].item != item || answers[index].isEmpty
        if answers[index].item != item {
            answers[index].item = item
            answers[index].chunks.clear()
            answers[index].arriving = ArrivingChunk()
        }
        guard answers[index].arriving.insert(part) else { throw .inconsistent(.gradient) }
        if part.isLast { _ = answers[index].chunks.insert(part.chunk) }
        return isFirst
    }

    /// Whether all chunks of a member's answer have arrived.
    package func isComplete(_ item: WorkItem, from member: MemberID) -> Bool {
        guard let answer = answers.first(where: { $0.member == member && $0.item == item }) else { return false }
        return answer.chunks.count == chunks
    }

    /// Removes the answer of a member that has gone.
    package mutating func removeAnswer(of member: MemberID) {
        answers.removeAll { $0.member == member }
    }
}

/// The chunk whose parts are arriving: in order, without gaps, and not mixed with those of another chunk. So a receiver needs
/// memory for one chunk at most.
struct ArrivingChunk: Hashable, Sendable {
    private var chunk = 0
    /// Elements that have arrived; 0 between two chunks.
    private var count = 0

    var isEmpty: Bool { count == 0 }

    /// Adds a part.
    ///
    /// - Returns: False if it does not follow on the part before.
    mutating func insert(_ part: ChunkPart) -> Bool {
        guard part.elements.lowerBound == count, count == 0 || part.chunk == chunk else { return false }
        (chunk, count) = (part.chunk, part.isLast ? 0 : part.elements.upperBound)
        return true
    }
}
