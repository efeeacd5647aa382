import LockstepData
package import LockstepDigest
package import LockstepModel
import LockstepNumerics
import LockstepSharding

/// Digests of synthetic gradients of the run's own model, which show whether two processes compute the same bits.
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
    /// Computes the fingerprint of this process, for a run that is about to begin.
    ///
    /// - Throws: ``ModelFailure`` if the model's own code throws an error, or computes other bits where the same numbers lie
    ///   elsewhere in memory: its workers would not agree.
    package func provedFingerprint() throws(ModelFailure) -> NumericFingerprint {
        let (fingerprint, placed) = fingerprints()
        try checkModel()
        guard let rows = fingerprint.differences(from: placed).first else { return fingerprint }
        throw ModelFailure(
            reason:
                "the gradient of \(rows) samples has other bits where its numbers lie elsewhere in memory; a model must "
                + "compute from values alone, and add in a fixed order", place: "the numeric proof")
    }

    /// Computes the fingerprint of this process.
    package func fingerprint() -> NumericFingerprint { fingerprints().fingerprint }

    /// Computes the fingerprint twice: the second time weights and gradients lie at another alignment, as they may in another
    /// process.
    private func fingerprints() -> (fingerprint: NumericFingerprint, placed: NumericFingerprint) {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        // A float more: the vectors of an instruction begin at other elements then.
        let weights = FloatBuffer(count: layout.count + 1)
        let gradient = FloatBuffer(count: layout.count + 1)
        let digests = [0, 1].map { offset in
            fillSynthetic(
                UnsafeMutableBufferPointer(rebasing: weights.buffer[offset..<offset + layout.count]), stream: 0,
                scale: 1,
                offset: -0.5)
            return blockDigests(weights: weights.pointer + offset, gradient: gradient.pointer + offset)
        }
        return withExtendedLifetime((weights, gradient)) {
            (NumericFingerprint(digests: digests[0]), NumericFingerprint(digests: digests[1]))
        }
    }

    private func blockDigests(
        weights: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
    ) -> [NumericFingerprint.BlockDigest] {
        let inputs = UnsafeMutableBufferPointer(
            start: computer.inputs, count: computer.maximumRows * model.inputs)
        fillSynthetic(inputs, stream: 1, scale: 1, offset: 0)
        for row in 0..<computer.maximumRows {
            computer.labels[row] = UInt16(row % model.outputs)
        }
        computer.load(weights: weights)
        return blockSizes.sorted().map { rows in
            let loss = computer.gradient(
                rows: rows, input: .floats, epoch: 0, into: gradient, accumulating: false
            ) { _ in }
            var hash = SHA256()
            hash.update(UnsafeRawBufferPointer(UnsafeBufferPointer(start: gradient, count: layout.count)))
            withUnsafeBytes(of: loss.bitPattern.littleEndian) { hash.update($0) }
            return NumericFingerprint.BlockDigest(rows: rows, digest: hash.finalize())
        }
    }

    /// The sizes of the blocks that the run computes.
    var blockSizes: Set<Int> {
        var sizes: Set<Int> = []
        for tree in schedule.trees {
            for leaf in tree.leaves {
                sizes.formUnion(BlockPartition(tree.samples(of: leaf), rows: model.blockRows).sizes)
            }
        }
        for split in [Split.validation, .test] {
            sizes.formUnion(evaluator.blockSizes(of: split))
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
