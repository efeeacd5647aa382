import LockstepSharding
import Testing

@Suite struct AssignmentPlanTests {
    @Test("Every shard with samples is assigned exactly once, in order, as the fewest whole subtrees")
    func coverage() {
        for tree in Cases.trees() {
            for workers in [1, 2, 3, 4, 7, 16, 64, 1025] {
                let plan = AssignmentPlan(tree: tree, workers: workers)
                #expect(plan.nodes.count == workers)
                #expect(plan.nodes.joined().flatMap { Array(tree.leaves(of: $0)) } == Array(tree.leaves.indices))
                let active = min(workers, tree.leaves.count)
                #expect(plan.nodes.prefix(active).allSatisfy { !$0.isEmpty })
                #expect(plan.nodes.dropFirst(active).allSatisfy { $0.isEmpty })
                let most = plan.nodes.map { samples(of: $0, in: tree) }.max()
                #expect(plan.maximumSamples == most)
                for nodes in plan.nodes.prefix(active) {
                    let first = tree.leaves(of: nodes[0]).lowerBound
                    let end = tree.leaves(of: nodes[nodes.count - 1]).upperBound
                    #expect(nodes == tree.nodes(coveringLeaves: first..<end))
                }
            }
        }
    }

    @Test("No other cuts have a smaller maximum, or the same maximum and fewer nodes", arguments: 1...11)
    func optimal(shards: Int) {
        for samples in Array(1...14) + [25, 100, 1001] {
            let tree = SummationTree(shards: shards, samples: samples)
            for workers in 1...shards + 1 {
                let plan = AssignmentPlan(tree: tree, workers: workers)
                let best = bruteForce(tree, from: 0, ranges: min(workers, tree.leaves.count))?.first
                let context: Comment = "\(shards) shards, \(samples) samples, \(workers) workers"
                #expect(plan.maximumSamples == best?.maximum, context)
                #expect(plan.nodes.joined().count == best?.nodes, context)
            }
        }
    }

    @Test("As many workers as shards get a leaf each")
    func oneEach() {
        let tree = SummationTree(shards: 6, samples: 60)
        let plan = AssignmentPlan(tree: tree, workers: 6)
        #expect(plan.nodes == tree.leaves.map { [$0] })
        #expect(plan.efficiency == 1)
    }

    @Test("A power of two of workers gets one subtree each")
    func wholeSubtrees() {
        let plan = AssignmentPlan(tree: SummationTree(shards: 1024, samples: 2048), workers: 4)
        #expect(plan.nodes == [4, 5, 6, 7].map { [NodeID(rawValue: $0)] })
        #expect(plan.maximumSamples == 512)
    }

    struct Efficiency: Sendable {
        let shards, samples, workers: Int
        let maximumSamples: Int
        let efficiency: Double

        init(_ shards: Int, _ samples: Int, _ workers: Int, maximum: Int, efficiency: Double) {
            self.shards = shards
            self.samples = samples
            self.workers = workers
            self.maximumSamples = maximum
            self.efficiency = efficiency
        }

        static let all = [
            Efficiency(4, 10, 3, maximum: 5, efficiency: 10.0 / 15),
            Efficiency(4, 10, 4, maximum: 3, efficiency: 10.0 / 12),
            Efficiency(8, 1000, 2, maximum: 500, efficiency: 1),
            Efficiency(8, 1000, 3, maximum: 375, efficiency: 1000.0 / 1125),
            Efficiency(1, 100, 2, maximum: 100, efficiency: 0.5),
            Efficiency(4, 1, 3, maximum: 1, efficiency: 1.0 / 3),
        ]
    }

    @Test("Efficiency counts the samples that the others wait for", arguments: Efficiency.all)
    func efficiency(expected: Efficiency) {
        let tree = SummationTree(shards: expected.shards, samples: expected.samples)
        let plan = AssignmentPlan(tree: tree, workers: expected.workers)
        #expect(plan.maximumSamples == expected.maximumSamples)
        #expect(plan.efficiency == expected.efficiency)
    }

    @Test(
        "A worker of several processes gets as much as lets each process have as little as possible",
        arguments: [[1, 2], [2, 1], [4, 1], [2, 2], [3], [1, 3, 1], [2, 2, 2], [5, 4], [1, 1, 7]], 1...7)
    func capacities(capacities: [Int], shards: Int) {
        for samples in Array(1...9) + [25, 100, 1001] {
            let tree = SummationTree(shards: shards, samples: samples)
            let plan = AssignmentPlan(tree: tree, capacities: capacities)
            let active = min(capacities.count, tree.leaves.count)
            let best = bruteForce(tree, from: 0, capacities: Array(capacities.prefix(active)))?.first
            let context: Comment = "\(shards) shards, \(samples) samples, \(capacities) processes"
            #expect(plan.nodes.count == capacities.count, context)
            #expect(plan.nodes.joined().flatMap { Array(tree.leaves(of: $0)) } == Array(tree.leaves.indices), context)
            #expect(plan.maximumSamples == best?.maximum, context)
            #expect(plan.nodes.joined().count == best?.nodes, context)
            #expect(plan.processes == capacities.reduce(0, +), context)
        }
    }

    @Test("A host of eight processes gets eight times the share of a lone worker")
    func shares() {
        let tree = SummationTree(shards: 9, samples: 900)
        let plan = AssignmentPlan(tree: tree, capacities: [8, 1])
        #expect(plan.nodes.map { self.samples(of: $0, in: tree) } == [800, 100])
        #expect(plan.maximumSamples == 100 && plan.efficiency == 1)
    }

    private func samples(of nodes: [NodeID], in tree: SummationTree) -> Int {
        nodes.map { tree.samples(of: $0).count }.reduce(0, +)
    }

    private func bruteForce(_ tree: SummationTree, from first: Int, ranges: Int) -> [(maximum: Int, nodes: Int)]? {
        bruteForce(tree, from: first, capacities: Array(repeating: 1, count: ranges))
    }

    /// The smallest maximum of so many parts of some leaves: all ways to cut them.
    private func leastMaximum(_ tree: SummationTree, _ leaves: Range<Int>, parts: Int) -> Int {
        let all = leaves.map { tree.samples(of: tree.leaves[$0]).count }
        guard parts > 1, leaves.count > 1 else { return all.reduce(0, +) }
        return (leaves.lowerBound + 1..<leaves.upperBound).map { cut in
            max(
                all[..<(cut - leaves.lowerBound)].reduce(0, +),
                leastMaximum(tree, cut..<leaves.upperBound, parts: parts - 1))
        }.min() ?? 0
    }

    /// All ways to cut the leaves from `first` on into ranges of so many parts, reduced to the Pareto front of maximum and number
    /// of nodes, the smallest maximum first; nil if there is no way.
    private func bruteForce(
        _ tree: SummationTree, from first: Int, capacities: [Int]
    ) -> [(maximum: Int, nodes: Int)]? {
        let last = tree.leaves.count
        guard capacities.count <= last - first else { return nil }
        if capacities.isEmpty { return first == last ? [(0, 0)] : nil }
        var all: [(maximum: Int, nodes: Int)] = []
        for end in first + 1...last {
            guard let rest = bruteForce(tree, from: end, capacities: Array(capacities.dropFirst())) else { continue }
            let nodes = tree.nodes(coveringLeaves: first..<end)
            let own = leastMaximum(tree, first..<end, parts: capacities[0])
            all += rest.map { (max(own, $0.maximum), nodes.count + $0.nodes) }
        }
        all.sort { ($0.maximum, $0.nodes) < ($1.maximum, $1.nodes) }
        var front: [(maximum: Int, nodes: Int)] = []
        for way in all where way.nodes < front.last?.nodes ?? .max { front.append(way) }
        return front
    }

    @Test("If the root is split, one worker gets its two halves, and nothing else changes", arguments: 1...9, 1...4)
    func splitRoot(shards: Int, workers: Int) {
        let tree = SummationTree(shards: shards, samples: 12)
        let whole = AssignmentPlan(tree: tree, workers: workers)
        let split = AssignmentPlan(tree: tree, workers: workers, splitsRoot: true)
        guard workers == 1, let (left, right) = tree.children(of: tree.root) else { return #expect(split == whole) }
        #expect(whole.nodes == [[tree.root]])
        #expect(split.nodes == [[left, right]])
    }
}
