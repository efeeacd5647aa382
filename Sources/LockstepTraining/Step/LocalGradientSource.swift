package import LockstepData
import LockstepNetwork
import LockstepNumerics
package import LockstepSharding

/// The gradient source of a single process: it computes the root of every mini-batch's tree itself.
package final class LocalGradientSource: GradientSource {
    private let computer: ShardComputer
    private let chunks: ChunkLayout
    /// Nil if gradients lie where the next weights will.
    private let gradient: FloatBuffer?

    /// - Parameters:
    ///   - computer: The arithmetic; its layout's segments are the ones the step reduces.
    ///   - inPlace: Computes a gradient where the next weights will lie, for the update to turn it into them: a step
    ///     touches less memory. Only for a source that nobody else has begun the step with.
    package init(_ computer: ShardComputer, inPlace: Bool = false) {
        self.computer = computer
        self.chunks = computer.layout.chunks
        self.gradient = inPlace ? nil : FloatBuffer(count: computer.layout.count)
    }

    package var workers: Int { 1 }
    package var membersPresent: Int { 1 }

    package var membership: MembershipCounts { MembershipCounts() }

    package func gradients(
        of batch: Batch, parameters: VersionedParameters, push: (PartialResult) throws -> Void
    ) throws {
        let root = batch.tree.root
        let gradient = gradient ?? parameters.next
        let lossSum = try computer.gradient(
            of: root, in: batch, weights: parameters.forward(batch.step).pointer, into: gradient.pointer
        ) { segment in
            for chunk in chunks.chunks(ofSegment: segment) {
                let floats = gradient.pointer + chunks.chunks[chunk].range.lowerBound
                try push(.gradient(root, chunk: chunk, floats, isStable: true))
            }
        }
        try push(.lossSum(root, lossSum))
    }

    /// Nobody else needs the weights.
    package func publish(version: UInt64, chunk: Int) {}

    package func workerName(of node: NodeID) -> String? { nil }

    package func evaluate(_ splits: [Split], parameters: VersionedParameters) -> [SplitScore] {
        splits.map { computer.evaluator.score(of: $0, weights: parameters.current.pointer) }
    }
}
