import LockstepNumerics

/// The order in which an epoch visits the training samples.
///
/// A shuffle whose random numbers come from the counter-based generator. It depends on the seed and the epoch alone, so
/// every process computes it by itself.
package struct EpochOrder: ~Copyable {
    /// Indices into the training samples, in the order in which the epoch visits them.
    package let indices: UnsafeBufferPointer<UInt32>
    private let storage: UnsafeMutableBufferPointer<UInt32>
    private var epoch: Int?

    /// Allocates memory for `count` samples; holds no order before the first ``prepare(epoch:seed:)``.
    package init(count: Int) {
        self.storage = .allocate(capacity: count)
        storage.initialize(repeating: 0)
        self.indices = UnsafeBufferPointer(storage)
    }

    deinit {
        storage.deallocate()
    }

    /// Computes the order of `epoch`, unless it is the current one.
    package mutating func prepare(epoch: Int, seed: UInt64) {
        guard self.epoch != epoch else { return }
        for i in storage.indices { storage[i] = UInt32(truncatingIfNeeded: i) }
        Philox(seed: seed).shuffle(storage, epoch: UInt32(truncatingIfNeeded: epoch))
        self.epoch = epoch
    }
}
