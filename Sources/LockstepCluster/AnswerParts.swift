/// Which chunks of its present answer each member has sent. A result counts only once all of them are in, whatever a
/// peer says: else a step could end without some of its sums.
package struct AnswerParts: Sendable {
    private struct Answer: Sendable {
        let member: MemberID
        var item: WorkItem
        var chunks: ChunkSet
    }

    private let chunks: Int
    /// A worker computes one item after the other, so one answer each is under way.
    private var answers: [Answer] = []

    /// - Parameter chunks: How many chunks an answer has.
    package init(chunks: Int) {
        self.chunks = chunks
    }

    /// A chunk has come.
    ///
    /// - Returns: Whether it is the first of the answer.
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

    /// Whether all chunks of a member's answer have come.
    package func isComplete(_ item: WorkItem, from member: MemberID) -> Bool {
        guard let answer = answers.first(where: { $0.member == member && $0.item == item }) else { return false }
        return answer.chunks.count == chunks
    }

    /// Forgets a member that has gone.
    package mutating func forget(_ member: MemberID) {
        answers.removeAll { $0.member == member }
    }
}
