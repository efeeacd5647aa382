import LockstepCompute
import LockstepDigest
import LockstepProtocol
import LockstepTraining

extension Ready {
    /// The message with a process's kernel and numeric fingerprint.
    init(kernel: NumericKernel, _ fingerprint: NumericFingerprint) {
        let digests = fingerprint.digests.prefix(Ready.maximumDigests).map { block in
            BlockDigest(rows: UInt32(block.rows), digest: Array(block.digest.bytes))
        }
        self.init(kernel: kernel.rawValue, fingerprint: Array(digests))
    }
}
