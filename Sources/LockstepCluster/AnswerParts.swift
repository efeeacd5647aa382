/// Which chunks of its present answer each member has sent. A result counts only once all of them are in, whatever a
/// peer says: else a step could end without some of its sums.
package struct AnswerParts: Sendable {
    private struct Answer: Sendable {
        let member: MemberID
        var unit: WorkUnit
        var chunks: ChunkSet
    }

    private let chunks: Int
    /// A worker computes one unit after the other, so one answer each is under way.
    private var answers: [Answer] = []

    /// - Parameter chunks: How many chunks an answer has.
    package init(chunks: Int) {
        self.chunks = chunks
    }

    /// A chunk has come.
    ///
    /// - Returns: Whether it is the first of the answer.
    package mutating func insert(_ chunk: Int, of unit: WorkUnit, from member: MemberID) -> Bool {
        guard let index = answers.firstIndex(where: { $0.member == member }) else {
            var set = ChunkSet(version: 0, capacity: chunks)
            _ = set.insert(chunk)
            answers.append(Answer(member: member, unit: unit, chunks: set))
            return true
        }
        let isFirst = answers[index].unit != unit
        if isFirst {
            answers[index].unit = unit
            answers[index].chunks.clear()
        }
        _ = answers[index].chunks.insert(chunk)
        return isFirst
    }

    /// Whether all chunks of a member's answer have come.
    package func isComplete(_ unit: WorkUnit, from member: MemberID) -> Bool {
        guard let answer = answers.first(where: { $0.member == member && $0.unit == unit }) else { return false }
        return answer.chunks.count == chunks
    }

    /// Forgets a member that has gone.
    package mutating func forget(_ member: MemberID) {
        answers.removeAll { $0.member == member }
    }
}
