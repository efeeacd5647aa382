package import LockstepSharding

/// The unit of work that is assigned, answered and reassigned as a whole: a tree node of a step, or a block of an
/// evaluation.
package struct WorkItem: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// `number` is a node of the step's summation tree. 0 is no node: a worker without nodes answers it to show
        /// that it has the weights.
        case node
        /// `number` packs a split and a block, as `EvaluationUnit` does.
        case block
    }

    package let kind: Kind
    /// The step, which is also the version of the weights that it starts from.
    package let step: UInt64
    package let number: UInt32

    /// A number that no step has: the largest that a header can carry.
    package static let noStep: UInt64 = (1 << 48) - 1

    package init(kind: Kind, step: UInt64, number: UInt32) {
        self.kind = kind
        self.step = step
        self.number = number
    }

    package var description: String { "\(kind) \(number) of step \(step)" }

    /// Whether there is anything to compute: false for a node item with number 0.
    var isWork: Bool { kind == .block || number != 0 }

    /// The item as a node of the step's tree.
    package var node: NodeID { NodeID(rawValue: number) }
}
