import LockstepModel
import LockstepNumerics
package import LockstepSharding

/// The gradient source of a single process, which computes the root of each mini-batch's tree itself.
package final class LocalGradientSource: GradientSource {
    private let computer: ShardComputer
    private let chunks: ChunkLayout
    /// Nil if gradients are computed in the memory of the next weights.
    private let gradient: FloatBuffer?

    /// - Parameters:
    ///   - computer: Computes gradients; the step reduces the segments of its layout.
    ///   - inPlace: Computes a gradient in the memory of the next weights, where the update replaces it by them: a step
    ///     uses less memory. Only for a source that computes every step from its beginning.
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
            try computer.checkModel()
            for chunk in chunks.chunks(ofSegment: segment) {
                let floats = gradient.pointer + chunks.chunks[chunk].range.lowerBound
                try push(.gradient(root, chunk: chunk, floats, isStable: true))
            }
        }
        try computer.checkModel()
        try push(.lossSum(root, lossSum))
    }

    /// Does nothing: no other process needs the weights.
    package func publish(version: UInt64, chunk: Int) {}

    package func workerName(of node: NodeID) -> String? { nil }

    package func evaluate(
        _ parts: [EvaluationPart], parameters: VersionedParameters, shouldStop: @escaping () -> Bool
    ) throws -> [SplitScore]? {
        var scores: [SplitScore] = []
        for part in parts {
            let weights = parameters.current.pointer
            guard let score = computer.evaluator.score(of: part, weights: weights, shouldStop: shouldStop) else {
                return nil
            }
            try computer.checkModel()
            scores.append(score)
        }
        return scores
    }
}
