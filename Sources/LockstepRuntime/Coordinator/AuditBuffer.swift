import Glibc
import LockstepCluster
import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// The answers of an audited step, until they have been compared.
///
/// Every answer is copied, from messages as well as from shared memory: the copy stays valid after its member has gone.
/// The memory is reused by the next audited step.
final class AuditBuffer {
    private struct Key: Hashable {
        let node: NodeID
        /// Nil: the coordinator's own answer.
        let member: MemberID?
    }

    private struct Copy {
        let gradient: FloatBuffer
        var loss = 0.0
    }

    private let chunks: ChunkLayout
    private let elements: Int
    private var copies: [Key: Copy] = [:]
    private var free: [FloatBuffer] = []
    /// Nodes of which two answers were the same.
    private var confirmed: [(node: NodeID, first: MemberID?, second: MemberID?)] = []

    init(chunks: ChunkLayout) {
        self.chunks = chunks
        self.elements = chunks.chunks.last?.range.upperBound ?? 0
    }

    /// Discards the answers of the last audited step.
    func begin() {
        free.append(contentsOf: copies.values.map(\.gradient))
        copies.removeAll(keepingCapacity: true)
        confirmed.removeAll(keepingCapacity: true)
    }

    /// Copies part of a member's answer: the floats of one chunk, or the loss.
    func add(_ result: PartialResult, from member: MemberID) {
        switch result {
        case .gradient(let node, let chunk, let floats, _):
            let range = chunks.chunks[chunk].range
            let copy = makeCopy(Key(node: node, member: member))
            (copy.gradient.pointer + range.lowerBound).update(from: floats, count: range.count)
        case .lossSum(let node, let loss):
            let key = Key(node: node, member: member)
            _ = makeCopy(key)
            copies[key]?.loss = loss
        case .mismatch:
            break
        }
    }

    /// Computes and adds the coordinator's own answer.
    ///
    /// - Parameters:
    ///   - node: A node of the step's tree.
    ///   - compute: Writes the gradient and returns the loss.
    func computeOwn(_ node: NodeID, _ compute: (FloatBuffer) -> Double) {
        let key = Key(node: node, member: nil)
        let copy = makeCopy(key)
        copies[key]?.loss = compute(copy.gradient)
    }

    /// Whether two answers are the same, bit for bit.
    func areEqual(_ node: NodeID, _ first: MemberID?, _ second: MemberID?) -> Bool {
        guard
            let first = copies[Key(node: node, member: first)], let second = copies[Key(node: node, member: second)]
        else { return false }
        return first.loss.bitPattern == second.loss.bitPattern
            && UnsafeRawBufferPointer(first.gradient.buffer).elementsEqualBytes(
                UnsafeRawBufferPointer(second.gradient.buffer))
    }

    /// Compares two answers of which one is released, and remembers them for ``isIntact`` if they are the same, bit for bit.
    func confirm(_ node: NodeID, _ first: MemberID?, _ second: MemberID?) -> Bool {
        guard areEqual(node, first, second) else { return false }
        confirmed.append((node, first, second))
        return true
    }

    /// Whether the answers that were the same still are: the memory of the ones that were released has not changed meanwhile.
    var isIntact: Bool { confirmed.allSatisfy { areEqual($0.node, $0.first, $0.second) } }

    /// Pushes an answer to the reducer.
    func release(_ node: NodeID, of member: MemberID?, _ push: (PartialResult) throws -> Void) throws {
        guard let copy = copies[Key(node: node, member: member)] else { return }
        for (index, chunk) in chunks.chunks.enumerated() {
            let floats = UnsafePointer(copy.gradient.pointer + chunk.range.lowerBound)
            try push(.gradient(node, chunk: index, floats, isStable: true))
        }
        try push(.lossSum(node, copy.loss))
    }

    private func makeCopy(_ key: Key) -> Copy {
        if let copy = copies[key] { return copy }
        let copy = Copy(gradient: free.popLast() ?? FloatBuffer(count: elements))
        copies[key] = copy
        return copy
    }
}

extension UnsafeRawBufferPointer {
    /// memcmp(3).
    fileprivate func elementsEqualBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let first = baseAddress, let second = other.baseAddress else { return true }
        return memcmp(first, second, count) == 0
    }
}
