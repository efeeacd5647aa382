import Glibc
import LockstepCluster
import LockstepNumerics
import LockstepSharding
import LockstepTraining

/// The answers of a step that is audited, kept until they have been compared.
///
/// What a member sends is copied, whatever way it came, so that nothing depends on the member's staying. Memory is
/// kept for the next audited step.
final class AuditBuffer {
    private struct Key: Hashable {
        let node: NodeID
        /// Nil for the coordinator's own answer.
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

    init(chunks: ChunkLayout) {
        self.chunks = chunks
        self.elements = chunks.chunks.last?.range.upperBound ?? 0
    }

    /// Forgets the last audited step.
    func begin() {
        free.append(contentsOf: copies.values.map(\.gradient))
        copies.removeAll(keepingCapacity: true)
    }

    /// Adds part of a member's answer; only the chunk's floats are read, and only during the call.
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
        }
    }

    /// Adds the coordinator's own answer.
    ///
    /// - Parameters:
    ///   - node: A node of the step's tree.
    ///   - compute: Fills the gradient, and returns the loss.
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

    /// Pushes an answer.
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
