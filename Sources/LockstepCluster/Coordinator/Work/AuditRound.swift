/// The copies of an audited step's tree nodes. Two workers compute each node, and the node counts once both copies are
/// equal.
///
/// The two workers are two processes: a process that lost its membership and joined again would only agree with itself.
struct AuditRound: Sendable {
    /// One node's copies.
    struct Node: Sendable {
        /// The members that have answered, in this order; two at most.
        var copies: [MemberInfo] = []
        /// Whether the node needs no more copies.
        var isClosed = false

        /// Whether one copy has arrived and a second one is needed.
        var waitsForSecondCopy: Bool { copies.count == 1 && !isClosed }
    }

    private var nodes: [UInt32: Node] = [:]

    subscript(_ number: UInt32) -> Node { nodes[number] ?? Node() }

    /// Whether a node needs a copy from this member.
    func needsCopy(of number: UInt32, from member: MemberInfo) -> Bool {
        !self[number].isClosed
            && !self[number].copies.contains { $0.host == member.host && $0.processID == member.processID }
    }

    /// Adds a member's copy of a node.
    ///
    /// - Returns: The two members whose copies must be compared, if this is the second copy; otherwise nil.
    mutating func addCopy(of number: UInt32, from member: MemberInfo) -> (MemberID, MemberID)? {
        guard needsCopy(of: number, from: member) else { return nil }
        nodes[number, default: Node()].copies.append(member)
        guard self[number].copies.count == 2 else { return nil }
        nodes[number]?.isClosed = true
        return (self[number].copies[0].id, self[number].copies[1].id)
    }

    /// Accepts no more copies of a node, because the coordinator computes it.
    ///
    /// - Returns: The members whose copies have arrived.
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
