import LockstepData
package import LockstepDigest
import LockstepNetwork
import LockstepNumerics
import LockstepSharding

/// Digests of synthetic gradients on the run's own network, which show whether two processes compute the same bits.
///
/// There is one for each block size of the run, because kernels that agree at 5 rows may differ at 10.
package struct NumericFingerprint: Hashable, Sendable {
    /// Ascending by rows.
    package let digests: [BlockDigest]

    package struct BlockDigest: Hashable, Sendable {
        package let rows: Int
        package let digest: SHA256Digest

        package init(rows: Int, digest: SHA256Digest) {
            self.rows = rows
            self.digest = digest
        }
    }

    package init(digests: [BlockDigest]) {
        self.digests = digests
    }

    /// Block sizes at which the two differ, or that only one of them has.
    package func differences(from other: NumericFingerprint) -> [Int] {
        Set(Set(digests).symmetricDifference(other.digests).map(\.rows)).sorted()
    }
}

extension ShardComputer {
    /// Computes the fingerprint of this process.
    package func fingerprint() -> NumericFingerprint {
        let weights = FloatBuffer(count: layout.count)
        let gradient = FloatBuffer(count: layout.count)
        fillSynthetic(weights.buffer, stream: 0, scale: 1, offset: -0.5)
        let inputs = UnsafeMutableBufferPointer(
            start: network.inputs, count: network.maximumRows * layout.inputs)
        fillSynthetic(inputs, stream: 1, scale: 1, offset: 0)
        for row in 0..<network.maximumRows {
            network.labels[row] = UInt16(row % layout.outputs)
        }
        let digests = blockSizes.sorted().map { rows in
            let loss = network.gradient(
                rows: rows, weights: weights.pointer, into: gradient.pointer, accumulating: false
            ) { _ in }
            var hash = SHA256()
            hash.update(UnsafeRawBufferPointer(gradient.buffer))
            withUnsafeBytes(of: loss.bitPattern.littleEndian) { hash.update($0) }
            return NumericFingerprint.BlockDigest(rows: rows, digest: hash.finalize())
        }
        return NumericFingerprint(digests: digests)
    }

    /// The numbers of rows that matrix products of the run have.
    private var blockSizes: Set<Int> {
        var sizes: Set<Int> = []
        for tree in schedule.trees {
            for leaf in tree.leaves {
                sizes.formUnion(BlockPartition(tree.samples(of: leaf), rows: BlockPartition.trainingRows).sizes)
            }
        }
        for split in [Split.validation, .test] {
            sizes.formUnion(evaluator.blocks(of: split).sizes)
        }
        return sizes
    }

    /// Reproducible values in [offset, offset + scale).
    private func fillSynthetic(
        _ values: UnsafeMutableBufferPointer<Float>, stream: UInt32, scale: Float, offset: Float
    ) {
        let generator = Philox(seed: 0)
        var index = 0
        while index < values.count {
            let words = generator.words(
                at: RandomPosition(.fingerprint, epoch: stream, sample: UInt32(truncatingIfNeeded: index / 4)))
            for lane in 0..<min(4, values.count - index) {
                values[index + lane] = Float(words[lane] >> 8) * 0x1p-24 * scale + offset
            }
            index += 4
        }
    }
}
