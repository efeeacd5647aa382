/// Which samples of the epoch's order each step takes, and how they are cut.
///
/// A pure function of three integers, so that coordinator and workers need to name only a step.
package struct BatchSchedule: Sendable {
    package let samples: Int
    package let batch: Int
    package let shards: Int
    package let stepsPerEpoch: Int
    private let fullTree: SummationTree
    private let lastTree: SummationTree

    /// - Parameters:
    ///   - samples: Samples of the training split, at least 1.
    ///   - batch: Samples of a mini-batch, at least 1; one larger than the split is the whole split.
    ///   - shards: Parts of every mini-batch, 1 to ``SummationTree/maximumShards``.
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

    /// The epoch that a step belongs to, both counted from 0.
    package func epoch(ofStep step: UInt64) -> Int {
        Int(step / UInt64(stepsPerEpoch))
    }

    /// How many epochs have seen a step once so many steps are finished.
    package func epochs(begunBy steps: UInt64) -> Int {
        steps == 0 ? 0 : epoch(ofStep: steps - 1) + 1
    }

    /// The step's place in its epoch.
    package func index(ofStep step: UInt64) -> Int {
        Int(step % UInt64(stepsPerEpoch))
    }

    /// Positions in the epoch's order of the mini-batch with this place in the epoch.
    package func positions(ofBatch index: Int) -> Range<Int> {
        let start = index * batch
        return start..<min(start + batch, samples)
    }

    /// The summation tree of the mini-batch with this place in the epoch.
    package func tree(ofBatch index: Int) -> SummationTree {
        index == stepsPerEpoch - 1 ? lastTree : fullTree
    }

    /// The trees of the run: that of full mini-batches, then that of a shorter last one if there is one.
    package var trees: [SummationTree] {
        lastTree == fullTree ? [fullTree] : [fullTree, lastTree]
    }
}
