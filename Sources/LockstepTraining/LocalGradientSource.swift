package import LockstepData
import LockstepNetwork
import LockstepNumerics
package import LockstepSharding

/// The gradient source of a single process: it computes the root of every mini-batch's tree itself.
package final class LocalGradientSource: GradientSource {
    private let computation: Computation
    private let chunks: ChunkLayout
    private let gradient: FloatBuffer

    /// - Parameter computation: The arithmetic; its layout's segments are the ones the step reduces.
    package init(_ computation: Computation) {
        self.computation = computation
        self.chunks = computation.layout.chunks
        self.gradient = FloatBuffer(count: computation.layout.count)
    }

    package var workers: Int { 1 }
    package var membersPresent: Int { 1 }

    package var membership: MembershipCounts { MembershipCounts() }

    package func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (Contribution) throws -> Void
    ) throws {
        let root = batch.tree.root
        let loss = try computation.gradient(
            of: root, in: batch, weights: parameters.forward(batch.step).pointer, into: gradient.pointer
        ) { segment in
            for chunk in chunks.chunks(ofSegment: segment) {
                let floats = gradient.pointer + chunks.chunks[chunk].range.lowerBound
                try push(.gradient(root, chunk: chunk, floats, isStable: true))
            }
        }
        try push(.loss(root, loss))
    }

    /// Nobody else needs the weights.
    package func publish(version: UInt64, chunk: Int) {}

    package func contributor(of node: NodeID) -> String? { nil }

    package func evaluate(_ splits: [Split], parameters: VersionedParameters) -> [SplitScore] {
        splits.map { computation.evaluator.score(of: $0, weights: parameters.current.pointer) }
    }
}
