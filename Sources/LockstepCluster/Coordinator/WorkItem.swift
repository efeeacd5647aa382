package import LockstepSharding

/// What is assigned, answered and reassigned as a whole: a tree node of a step, or a block of an evaluation.
package struct WorkItem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// `number` is a node of the step's summation tree; 0 asks only for an answer, by which a worker without nodes
        /// shows that it has the weights.
        case node
        /// `number` packs a split and a block, as `EvaluationUnit` does.
        case block
    }

    package let kind: Kind
    /// The step, which is also the version of the weights that it starts from.
    package let step: UInt64
    package let number: UInt32

    package init(kind: Kind, step: UInt64, number: UInt32) {
        self.kind = kind
        self.step = step
        self.number = number
    }

    package var description: String { "\(kind) \(number) of step \(step)" }

    /// Whether the item is more than a request for an answer.
    var isWork: Bool { kind == .block || number != 0 }

    /// The item as a node of the step's tree.
    package var node: NodeID { NodeID(rawValue: number) }
}
