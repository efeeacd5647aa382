package import LockstepSharding

/// The work item of assignment, answer and re-dispatch: a tree node of a step, or a block of an evaluation.
package struct WorkItem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// `number` is a node of the step's summation tree; 0 asks only for the answer, so that a worker without
        /// nodes shows that it has the weights.
        case node
        /// `number` is a split and a block, as the wire packs them.
        case block
    }

    package let kind: Kind
    /// The step, which is also the version of the weights it starts from.
    package let step: UInt64
    package let number: UInt32

    package init(kind: Kind, step: UInt64, number: UInt32) {
        self.kind = kind
        self.step = step
        self.number = number
    }

    package var description: String { "\(kind) \(number) of step \(step)" }

    /// Whether there is anything to compute.
    var isWork: Bool { kind == .block || number != 0 }

    /// The node of a step's tree.
    package var node: NodeID { NodeID(rawValue: number) }
}
