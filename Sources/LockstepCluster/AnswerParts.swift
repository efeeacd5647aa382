/// The chunks that each member has sent of its present answer. An answer counts only once all its chunks have arrived,
/// whatever the peer claims; otherwise a step could end without some of its sums.
package struct AnswerParts: Sendable {
    private struct Answer: Sendable {
        let member: MemberID
        var item: WorkItem
        var chunks: ChunkSet
    }

    private let chunks: Int
    /// One answer for each member: a worker computes one item after the other.
    private var answers: [Answer] = []

    /// - Parameter chunks: The number of chunks of an answer.
    package init(chunks: Int) {
        self.chunks = chunks
    }

    /// Adds a chunk that has arrived.
    ///
    /// - Returns: Whether it is the answer's first chunk.
    package mutating func insert(_ chunk: Int, of item: WorkItem, from member: MemberID) -> Bool {
        guard let index = answers.firstIndex(where: { $0.member == member }) else {
            var set = ChunkSet(version: 0, capacity: chunks)
            _ = set.insert(chunk)
            answers.append(Answer(member: member, item: item, chunks: set))
            return true
        }
        let isFirst = answers[index].item != item
        if isFirst {
            answers[index].item = item
            answers[index].chunks.clear()
        }
        _ = answers[index].chunks.insert(chunk)
        return isFirst
    }

    /// Whether all chunks of a member's answer have arrived.
    package func isComplete(_ item: WorkItem, from member: MemberID) -> Bool {
        guard let answer = answers.first(where: { $0.member == member && $0.item == item }) else { return false }
        return answer.chunks.count == chunks
    }

    /// Removes the answer of a member that has gone.
    package mutating func forget(_ member: MemberID) {
        answers.removeAll { $0.member == member }
    }
}
