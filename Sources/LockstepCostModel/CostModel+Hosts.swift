import LockstepSharding

/// Hosts that train together, each with as many worker processes and a core for each of them.
package struct HostLayout: Hashable, Sendable {
    package let hosts: Int
    /// Worker processes of each host.
    package let processes: Int

    /// Reads `HOSTSxPROCESSES`, such as `4x8`; nil for anything else, and for more processes than a mini-batch has shards.
    package init?(_ text: some StringProtocol) {
        let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let hosts = parts[0], let processes = parts[1] else { return nil }
        self.init(hosts: hosts, processes: processes)
    }

    package init?(hosts: Int, processes: Int) {
        let numbers = 1...SummationTree.maximumShards
        guard numbers.contains(hosts), numbers.contains(processes), numbers.contains(hosts * processes) else {
            return nil
        }
        self.hosts = hosts
        self.processes = processes
    }

    /// The processes of all hosts.
    package var workers: Int { hosts * processes }
}

/// How the coordinator reaches the processes of other hosts.
package enum HostTopology: Hashable, Sendable {
    /// Each process is a member of its own.
    case processes
    /// Each host is one member: it takes one copy of the weights, adds up what its processes compute and sends one sum.
    case hosts
    /// The coordinator serves so many hosts, and each of them serves as many further ones.
    case tree(fanOut: Int)

    /// Copies of the weights, and as many gradients, that cross the coordinator's link in a step.
    package func copies(_ layout: HostLayout) -> Int {
        switch self {
        case .processes: layout.workers
        case .hosts: layout.hosts
        case .tree(let fanOut): min(fanOut, layout.hosts)
        }
    }

    /// The links between the coordinator and the farthest host.
    package func levels(_ layout: HostLayout) -> Int {
        guard case .tree(let fanOut) = self, fanOut > 1 else { return 1 }
        var (levels, reached, width) = (0, 0, 1)
        while reached < layout.hosts {
            width *= fanOut
            reached += width
            levels += 1
        }
        return levels
    }
}

// Nothing of this is measured on the hosts: their cores are taken for cores of this machine, which slow each other down as much, and
// their links are what the user says.
extension CostModel {
    /// A step on processes of other hosts, all behind equal links.
    ///
    ///     star of H hosts:       H · S/B           each way
    ///     tree of fan-out f:     f · S/B           each way, and for each further level f chunks and the latency
    ///
    /// S is the size of the parameters and B the bandwidth. The chunks go through all levels at once, so a further level delays the
    /// first chunk and not all of them.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch, of which each process gets a shard.
    ///   - layout: The hosts.
    ///   - topology: How the coordinator reaches them.
    ///   - link: The link of each host, and of the coordinator.
    /// - Returns: The time, split by what takes it.
    package func distributed(
        batch: Int, on layout: HostLayout, _ topology: HostTopology, link: Link
    ) -> Estimate {
        let tree = SummationTree(shards: layout.workers, samples: batch)
        let copies = topology.copies(layout)
        let largest = (batch + layout.workers - 1) / layout.workers
        let leaf = compute(Double(largest)) * (layout.processes > 1 ? contention : 1)
        let isAggregated = topology != .processes
        // The sums of a host's processes arrive at the same time, and one thread adds them.
        let within = isAggregated ? messages(Double(layout.processes)) + Double(layout.processes - 1) * addition : 0
        let plan = AssignmentPlan(tree: tree, workers: copies)
        let nodes = isAggregated ? plan.nodes.reduce(0) { $0 + $1.count } : min(layout.workers, batch)
        let levels = Double(topology.levels(layout))
        let chunk = min(1, Double(ChunkLayout.maximumElements * 4) / Double(max(1, parameterBytes)))
        let delay = Double(copies) * chunk * (Double(parameterBytes) / link.bytesPerSecond + addition)
        let communication =
            messages(Double(copies)) + within + 2 * link.latency * levels
            + exposed(link, workers: copies, nodes: nodes, compute: leaf) + 2 * (levels - 1) * delay
        return Estimate(
            compute: leaf, communication: communication, reduce: Double(nodes - 1) * addition + update)
    }

    /// The least time in which any exchange gives H hosts the sum of their gradients: 2 · S · (H - 1) / (H · B).
    ///
    /// Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, 2009, theorem 1.
    package func leastTransfer(_ layout: HostLayout, link: Link) -> Double {
        let hosts = Double(layout.hosts)
        return 2 * Double(parameterBytes) * (hosts - 1) / (hosts * link.bytesPerSecond)
    }
}
