/// The copies of an audited step's tree nodes: two workers compute each node, and it counts once both copies are equal.
///
/// Two workers means two processes: a process that lost its membership and joined again would only agree with itself.
struct AuditRound: Sendable {
    /// One node's copies.
    struct Node: Sendable {
        /// The members that have answered, in this order; two at most.
        var copies: [MemberInfo] = []
        /// Whether the copies are being compared, or have been.
        var isClosed = false

        /// Whether one copy is there and another is wanted.
        var waitsForSecondCopy: Bool { copies.count == 1 && !isClosed }
    }

    private var nodes: [UInt32: Node] = [:]

    subscript(_ number: UInt32) -> Node { nodes[number] ?? Node() }

    /// Whether this member's answer to a node would be a copy that is needed.
    func needsCopy(of number: UInt32, from member: MemberInfo) -> Bool {
        !self[number].isClosed
            && !self[number].copies.contains { $0.host == member.host && $0.processID == member.processID }
    }

    /// Adds a member's copy of a node.
    ///
    /// - Returns: The two members whose copies are to be compared now, if this was the second copy.
    mutating func addCopy(of number: UInt32, from member: MemberInfo) -> (MemberID, MemberID)? {
        guard needsCopy(of: number, from: member) else { return nil }
        nodes[number, default: Node()].copies.append(member)
        guard self[number].copies.count == 2 else { return nil }
        nodes[number]?.isClosed = true
        return (self[number].copies[0].id, self[number].copies[1].id)
    }

    /// Accepts no more copies of a node: the coordinator computes it.
    ///
    /// - Returns: The members whose copies are there.
    mutating func close(_ number: UInt32) -> [MemberID] {
        nodes[number, default: Node()].isClosed = true
        return self[number].copies.map(\.id)
    }

    /// Discards a member's copies that are not compared yet.
    ///
    /// - Returns: The nodes that need another copy.
    mutating func discardCopies(of member: MemberID) -> [UInt32] {
        var found: [UInt32] = []
        for (number, node) in nodes where !node.isClosed && node.copies.contains(where: { $0.id == member }) {
            nodes[number]?.copies.removeAll { $0.id == member }
            found.append(number)
        }
        return found.sorted()
    }
}
