/// Maps each step to its mini-batch: positions in the epoch's order, and the tree that cuts them into shards.
///
/// A pure function of three integers: coordinator and workers agree on a mini-batch by naming its step.
package struct BatchSchedule: Sendable {
    package let samples: Int
    package let batch: Int
    package let shards: Int
    package let stepsPerEpoch: Int
    private let fullTree: SummationTree
    private let lastTree: SummationTree

    /// - Parameters:
    ///   - samples: Samples of the training split, at least 1.
    ///   - batch: Samples of a mini-batch, at least 1; at most the whole split is used.
    ///   - shards: Shards of every mini-batch, 1 to ``SummationTree/maximumShards``.
    package init(samples: Int, batch: Int, shards: Int) {
        precondition(samples >= 1 && batch >= 1)
        self.samples = samples
        self.batch = min(batch, samples)
        self.shards = shards
        self.stepsPerEpoch = (samples - 1) / self.batch + 1
        let last = samples - (stepsPerEpoch - 1) * self.batch
        self.fullTree = SummationTree(shards: shards, samples: self.batch)
        self.lastTree = last == self.batch ? fullTree : SummationTree(shards: shards, samples: last)
    }

    /// The epoch of a step; both count from 0.
    package func epoch(ofStep step: UInt64) -> Int {
        Int(step / UInt64(stepsPerEpoch))
    }

    /// The number of epochs that have at least one finished step after this many steps.
    package func epochs(begunBy steps: UInt64) -> Int {
        steps == 0 ? 0 : epoch(ofStep: steps - 1) + 1
    }

    /// The index of a step's mini-batch in its epoch.
    package func index(ofStep step: UInt64) -> Int {
        Int(step % UInt64(stepsPerEpoch))
    }

    /// The positions in the epoch's order of the mini-batch with this index.
    package func positions(ofBatch index: Int) -> Range<Int> {
        let start = index * batch
        return start..<min(start + batch, samples)
    }

    /// The summation tree of the mini-batch with this index.
    package func tree(ofBatch index: Int) -> SummationTree {
        index == stepsPerEpoch - 1 ? lastTree : fullTree
    }

    /// The trees of the run: first for full mini-batches, then for a shorter last mini-batch if there is one.
    package var trees: [SummationTree] {
        lastTree == fullTree ? [fullTree] : [fullTree, lastTree]
    }
}
