/// The nodes of a step that is audited: each is computed by two workers and counts once both copies are equal.
///
/// Two workers are two processes: one that has lost its membership and has another would only agree with itself.
struct Audit: Sendable {
    /// A node's copies.
    struct Node: Sendable {
        /// Who has answered, in this order; two at most.
        var copies: [MemberInfo] = []
        /// Copies are being compared, or have been.
        var isClosed = false
    }

    private(set) var nodes: [UInt32: Node] = [:]

    subscript(_ number: UInt32) -> Node { nodes[number] ?? Node() }

    /// Whether this member's answer to a node would be a copy that is wanted.
    func wants(_ number: UInt32, from member: MemberInfo) -> Bool {
        !self[number].isClosed
            && !self[number].copies.contains { $0.host == member.host && $0.processID == member.processID }
    }

    /// Takes a copy in.
    ///
    /// - Returns: The two members whose copies are now to be compared, if this was the second.
    mutating func add(_ number: UInt32, from member: MemberInfo) -> (MemberID, MemberID)? {
        guard wants(number, from: member) else { return nil }
        nodes[number, default: Node()].copies.append(member)
        guard self[number].copies.count == 2 else { return nil }
        nodes[number]?.isClosed = true
        return (self[number].copies[0].id, self[number].copies[1].id)
    }

    /// The coordinator computes the node itself.
    mutating func close(_ number: UInt32) {
        nodes[number, default: Node()].isClosed = true
    }

    /// Forgets what a member has answered that is not compared yet.
    ///
    /// - Returns: The nodes that need another copy.
    mutating func discard(_ member: MemberID) -> [UInt32] {
        var found: [UInt32] = []
        for (number, node) in nodes where !node.isClosed && node.copies.contains(where: { $0.id == member }) {
            nodes[number]?.copies.removeAll { $0.id == member }
            found.append(number)
        }
        return found.sorted()
    }
}
