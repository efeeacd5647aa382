import LockstepSharding

/// The time of a step as a function of the number of workers: one model for the prediction before a run, the summary of
/// `bench` and the search of `--workers auto`.
///
/// A step waits for its slowest worker. More workers make that worker's part of the mini-batch smaller, but each of them
/// costs messages, and cores that all compute slow each other down. So there is a mini-batch below which a single
/// process is faster (``crossover(workers:link:limit:)``).
///
/// Every figure is measured on this machine; a link's figures are given by the user. Times are seconds.
///
///     step = slowest worker's computing · contention + messages + bytes + additions + update
package struct CostModel: Hashable, Sendable {
    /// A time that grows with a count: `fixed + each · count`.
    package struct Line: Hashable, Sendable {
        package var fixed: Double
        package var each: Double

        package init(fixed: Double, each: Double) {
            self.fixed = fixed
            self.each = each
        }

        package func callAsFunction(_ count: Double) -> Double { fixed + each * count }
    }

    /// The gradient of one shard, by its samples, on a core with nothing else to do.
    package var compute: Line
    /// Adding two gradients.
    package var addition: Double
    /// The optimizer's step.
    package var update: Double
    /// A round of messages, headers only, to all workers and back, by their number.
    package var messages: Line
    /// One byte of payload through a socket of this host; 0 where payload lies in shared memory.
    package var byte: Double
    /// Bytes of all parameters.
    package var parameterBytes: Int
    /// The first layer's share of the parameters, from 0 to 1: its gradient is ready last.
    package var lastSegmentShare: Double
    /// Cores that workers may use, at least 1.
    package var cores: Int
    /// The factor by which computing takes longer when all cores compute: they share memory and clock, and new weights are in no near
    /// cache.
    package var contention: Double
    /// Reading a gradient that another core has just written, beyond adding it up.
    package var fetch: Double

    package init(
        compute: Line, addition: Double, update: Double, messages: Line, byte: Double = 0, parameterBytes: Int,
        lastSegmentShare: Double, cores: Int, contention: Double = 1, fetch: Double = 0
    ) {
        self.compute = compute
        self.addition = addition
        self.update = update
        self.messages = messages
        self.byte = byte
        self.parameterBytes = parameterBytes
        self.lastSegmentShare = lastSegmentShare
        self.cores = max(1, cores)
        self.contention = contention
        self.fetch = fetch
    }

    /// The connection between the coordinator and workers on other hosts.
    package struct Link: Hashable, Sendable {
        package var bytesPerSecond: Double
        /// One way, in seconds.
        package var latency: Double

        package init(bytesPerSecond: Double, latency: Double) {
            self.bytesPerSecond = bytesPerSecond
            self.latency = latency
        }
    }

    /// A step's time, split by what takes it.
    package struct Estimate: Hashable, Sendable {
        /// The slowest worker, its own additions included.
        package var compute: Double
        /// Messages and bytes, except where they overlap with computing.
        package var communication: Double
        /// Additions and the update in the coordinator.
        package var reduce: Double

        package var total: Double { compute + communication + reduce }
    }
}

extension CostModel {
    /// A step of a single process, which computes all shards itself.
    package func single(batch: Int, shards: Int) -> Estimate {
        let tree = SummationTree(shards: shards, samples: batch)
        return Estimate(compute: time(of: [tree.root], in: tree), communication: 0, reduce: update)
    }

    /// A step of a coordinator and workers.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - shards: Its shards.
    ///   - workers: At least 1.
    ///   - link: The link to workers on other hosts; nil for workers of this host.
    ///   - withCoordinator: Whether the coordinator computes a share itself, which it need not be sent.
    /// - Returns: The time, split by what takes it.
    package func distributed(
        batch: Int, shards: Int, workers: Int, link: Link? = nil, withCoordinator: Bool = false
    ) -> Estimate {
        let tree = SummationTree(shards: shards, samples: batch)
        let plan = AssignmentPlan(tree: tree, workers: workers + (withCoordinator ? 1 : 0))
        let nodes = plan.nodes.reduce(0) { $0 + $1.count }
        let slowest = plan.nodes.map { time(of: $0, in: tree) }.max() ?? 0
        let computing = plan.nodes.count { !$0.isEmpty }
        // Workers on other hosts have cores of their own.
        let compute = slowest * (link == nil ? slowdown(computing) : 1)
        let reduce = Double(nodes - 1) * addition + update + (link == nil ? Double(nodes) * fetch : 0)
        var communication = messages(Double(workers))
        if let link {
            communication += 2 * link.latency + exposed(link, workers: workers, nodes: nodes, compute: compute)
        } else {
            communication += byte * Double(parameterBytes) * Double(workers + nodes)
        }
        return Estimate(compute: compute, communication: communication, reduce: reduce)
    }

    /// The smallest mini-batch at which `workers` workers, with one shard each, are faster than a single process with
    /// one shard; nil if none up to `limit` is.
    ///
    /// Doubles the mini-batch until the workers are faster, then bisects. The workers' steps take `factor` times as long as
    /// predicted.
    package func crossover(workers: Int, link: Link? = nil, limit: Int, slowedBy factor: Double = 1) -> Int? {
        func isFaster(_ batch: Int) -> Bool {
            factor * distributed(batch: batch, shards: workers, workers: workers, link: link).total
                < single(batch: batch, shards: 1).total
        }
        var high = 1
        while !isFaster(high) {
            guard high < limit else { return nil }
            high = min(limit, high * 2)
        }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if isFaster(middle) { high = middle } else { low = middle }
        }
        return high
    }

    /// One worker's tree nodes on a core of its own: a call for each leaf, and the additions inside each node.
    private func time(of nodes: [NodeID], in tree: SummationTree) -> Double {
        nodes.reduce(0) { sum, node in
            let leaves = Double(tree.leaves(of: node).count)
            return sum + leaves * compute.fixed + Double(tree.samples(of: node).count) * compute.each
                + (leaves - 1) * addition
        }
    }

    /// The factor by which computing takes longer with this many processes at it.
    func slowdown(_ processes: Int) -> Double {
        guard processes > 1 else { return 1 }
        let sharing = max(1, Double(processes) / Double(cores))
        let busy = Double(min(processes, cores) - 1) / Double(max(1, cores - 1))
        return sharing * (1 + (contention - 1) * busy)
    }

    /// The part of the transfer over a link that does not overlap with computing.
    ///
    /// Gradients leave layer by layer during the backward half of the computing; the first layer's is ready last and
    /// overlaps with nothing. Weights come back chunk by chunk in the link's other direction while further gradients
    /// arrive.
    func exposed(_ link: Link, workers: Int, nodes: Int, compute: Double) -> Double {
        let bytes = Double(parameterBytes) / link.bytesPerSecond
        let inward = bytes * Double(nodes)
        let hidden = min(compute / 2, inward * (1 - lastSegmentShare))
        let outward = bytes * Double(workers)
        let chunk = min(bytes, Double(ChunkLayout.maximumElements * 4) / link.bytesPerSecond)
        return max(inward - hidden, outward - hidden) + chunk * Double(workers)
    }
}

extension CostModel {
    /// The best speedup that splitting a mini-batch allows: its samples over the largest part of a worker.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - shards: Its shards.
    ///   - workers: At least 1.
    /// - Returns: At most the number of workers.
    package static func bound(batch: Int, shards: Int, workers: Int) -> Double {
        let plan = AssignmentPlan(tree: SummationTree(shards: shards, samples: batch), workers: workers)
        return Double(batch) / Double(plan.maximumSamples)
    }
}
