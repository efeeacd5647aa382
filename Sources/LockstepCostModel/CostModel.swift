import LockstepSharding

/// What a step costs, and how that changes with the number of workers: the one model behind the prediction before a
/// run, the verdict of `bench` and the search of `--workers auto`.
///
/// Every figure in it is measured on the machine at hand, or is a link's as its user described it. Times are seconds.
///
///     step = slowest worker's computing · crowding + messages + bytes + additions + update
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
    /// Telling all workers and hearing from all of them, by their number, with nothing but headers.
    package var messages: Line
    /// One byte of payload through a socket of this host; 0 where payload goes by reference.
    package var byte: Double
    /// Bytes of all parameters.
    package var parameterBytes: Int
    /// The share of the parameters that is ready last: the first layer's.
    package var lastSegmentShare: Double
    /// Cores that workers may use, at least 1.
    package var cores: Int
    /// How many times as long computing takes when all cores compute, for they share memory and clock.
    package var crowding: Double

    package init(
        compute: Line, addition: Double, update: Double, messages: Line, byte: Double = 0, parameterBytes: Int,
        lastSegmentShare: Double, cores: Int, crowding: Double = 1
    ) {
        self.compute = compute
        self.addition = addition
        self.update = update
        self.messages = messages
        self.byte = byte
        self.parameterBytes = parameterBytes
        self.lastSegmentShare = lastSegmentShare
        self.cores = max(1, cores)
        self.crowding = crowding
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

    /// A step's time by what it is spent on.
    package struct Estimate: Hashable, Sendable {
        /// The slowest worker, its own additions included.
        package var compute: Double
        /// Messages and bytes that nothing hides.
        package var talk: Double
        /// Additions and the update in the coordinator.
        package var reduce: Double

        package var total: Double { compute + talk + reduce }
    }
}

extension CostModel {
    /// A step of a single process, which computes all shards itself.
    package func single(batch: Int, shards: Int) -> Estimate {
        let tree = SummationTree(shards: shards, samples: batch)
        return Estimate(compute: time(of: [tree.root], in: tree), talk: 0, reduce: update)
    }

    /// A step of a coordinator and workers.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - shards: Its shards.
    ///   - workers: At least 1.
    ///   - link: What lies between; nil for workers of this host.
    /// - Returns: Where the time goes.
    package func distributed(batch: Int, shards: Int, workers: Int, link: Link? = nil) -> Estimate {
        let tree = SummationTree(shards: shards, samples: batch)
        let plan = AssignmentPlan(tree: tree, workers: workers)
        let nodes = plan.nodes.reduce(0) { $0 + $1.count }
        let slowest = plan.nodes.map { time(of: $0, in: tree) }.max() ?? 0
        let computing = plan.nodes.count { !$0.isEmpty }
        // Workers on other hosts have cores of their own.
        let compute = slowest * (link == nil ? slowdown(computing) : 1)
        let reduce = Double(nodes - 1) * addition + update
        var talk = messages(Double(workers))
        if let link {
            talk += 2 * link.latency + exposed(link, workers: workers, nodes: nodes, compute: compute)
        } else {
            talk += byte * Double(parameterBytes) * Double(workers + nodes)
        }
        return Estimate(compute: compute, talk: talk, reduce: reduce)
    }

    /// The smallest mini-batch from which so many workers, with as many shards, are faster than a single process with
    /// one; nil if none is below `limit`.
    package func crossover(workers: Int, link: Link? = nil, limit: Int) -> Int? {
        func pays(_ batch: Int) -> Bool {
            distributed(batch: batch, shards: workers, workers: workers, link: link).total
                < single(batch: batch, shards: 1).total
        }
        var high = 1
        while !pays(high) {
            guard high < limit else { return nil }
            high = min(limit, high * 2)
        }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if pays(middle) { high = middle } else { low = middle }
        }
        return high
    }

    /// One worker's nodes on a core of its own: each leaf a call, and the additions inside each node.
    private func time(of nodes: [NodeID], in tree: SummationTree) -> Double {
        nodes.reduce(0) { sum, node in
            let leaves = Double(tree.leaves(of: node).count)
            return sum + leaves * compute.fixed + Double(tree.samples(of: node).count) * compute.each
                + (leaves - 1) * addition
        }
    }

    /// How many times as long computing takes with so many processes at it.
    func slowdown(_ processes: Int) -> Double {
        guard processes > 1 else { return 1 }
        let sharing = max(1, Double(processes) / Double(cores))
        let busy = Double(min(processes, cores) - 1) / Double(max(1, cores - 1))
        return sharing * (1 + (crowding - 1) * busy)
    }

    /// What of the bytes' way over a link is not hidden behind computing.
    ///
    /// Gradients leave layer by layer while the backward half of the computing goes on, but for the first layer's, which
    /// is ready last; weights come back chunk by chunk while further gradients arrive, in the link's other direction.
    private func exposed(_ link: Link, workers: Int, nodes: Int, compute: Double) -> Double {
        let bytes = Double(parameterBytes) / link.bytesPerSecond
        let inward = bytes * Double(nodes)
        let hidden = min(compute / 2, inward * (1 - lastSegmentShare))
        let outward = bytes * Double(workers)
        let chunk = min(bytes, Double(ChunkLayout.maximumElements * 4) / link.bytesPerSecond)
        return max(inward - hidden, outward - hidden) + chunk * Double(workers)
    }
}

extension CostModel {
    /// The best speedup that cutting a mini-batch allows: its samples over the most that one worker gets.
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
