import LockstepSharding
import LockstepTesting
import Testing

@Suite struct TreeArrivalsTests {
    @Test("Any order and mix of arrivals gives the bits of the recursive sum", arguments: 0..<40 as Range<UInt64>)
    func orderDoesNotMatter(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let lanes = 3
        var arrivals = TreeArrivals(lanes: lanes)
        // Several steps in a row with different trees, as full and last batches alternate.
        for _ in 0..<6 {
            let tree = SummationTree(
                shards: try #require(Cases.shards.filter { $0 <= 100 }.randomElement(using: &random)),
                samples: try #require(Cases.samples.randomElement(using: &random)))
            arrivals.begin(tree)
            var simulations = (0..<lanes).map { _ in Lane(tree: tree, random: &random) }
            var open = Set(0..<lanes)
            while let lane = open.randomElement(using: &random) {
                let node = try #require(simulations[lane].nodes.randomElement(using: &random))
                if simulations[lane].arrive(node, lane: lane, in: &arrivals) { open.remove(lane) }
            }
            for lane in 0..<lanes {
                #expect(simulations[lane].sum.bitPattern == simulations[lane].expected.bitPattern)
                // After the root everything is a duplicate.
                for node in simulations[lane].nodes {
                    #expect(arrivals.isKnown(node, lane: lane))
                    let outcome = arrivals.insert(node, lane: lane) { _, _, _ in Issue.record("added after the end") }
                    #expect(outcome == .duplicate)
                }
            }
        }
    }

    @Test("Leaves alone make every inner node once, children before parents", arguments: Cases.trees(upTo: 100))
    func leavesAlone(tree: SummationTree) {
        var arrivals = TreeArrivals(lanes: 1)
        arrivals.begin(tree)
        var known = Set<NodeID>()
        var outcomes: [TreeArrivals.Outcome] = []
        for leaf in tree.leaves.reversed() {
            known.insert(leaf)
            let outcome = arrivals.insert(leaf, lane: 0) { parent, left, right in
                #expect(known.contains(left) && known.contains(right))
                #expect(tree.parent(of: left) == parent && tree.parent(of: right) == parent)
                #expect(known.insert(parent).inserted)
            }
            outcomes.append(outcome)
        }
        #expect(known == Set(tree.allNodes))
        #expect(outcomes.last == .complete)
        #expect(outcomes.dropLast().allSatisfy { $0 == .pending })
    }

    @Test("A node that arrives after one of its parts becomes known")
    func wholeAfterPart() {
        let tree = SummationTree(shards: 4, samples: 8)
        var arrivals = TreeArrivals(lanes: 1)
        arrivals.begin(tree)
        var sums: [UInt32] = []
        func insert(_ rawValue: UInt32) -> TreeArrivals.Outcome {
            arrivals.insert(NodeID(rawValue: rawValue), lane: 0) { parent, _, _ in sums.append(parent.rawValue) }
        }
        #expect(insert(5) == .pending)
        #expect(insert(2) == .pending)
        #expect(insert(4) == .duplicate)
        #expect(insert(5) == .duplicate)
        #expect(insert(2) == .duplicate)
        #expect(sums.isEmpty)
        #expect(!arrivals.isKnown(.root, lane: 0))
        #expect(insert(7) == .pending)
        #expect(insert(6) == .complete)
        #expect(sums == [3, 1])
        #expect(insert(1) == .duplicate)
    }

    @Test("Lanes and steps are independent")
    func independence() {
        let tree = SummationTree(shards: 2, samples: 2)
        var arrivals = TreeArrivals(lanes: 2)
        arrivals.begin(tree)
        #expect(arrivals.insert(tree.root, lane: 0) { _, _, _ in } == .complete)
        #expect(!arrivals.isKnown(tree.root, lane: 1))
        #expect(!arrivals.isKnown(tree.leaves[0], lane: 1))
        arrivals.begin(tree)
        #expect(!arrivals.isKnown(tree.root, lane: 0))
        #expect(arrivals.insert(tree.leaves[0], lane: 0) { _, _, _ in } == .pending)
    }
}

/// The sums of one lane: each node's sum by plain recursion, and the slots in which arrivals are added.
private struct Lane {
    let nodes: [NodeID]
    let expected: Float
    private let tree: SummationTree
    private var values: [NodeID: Float] = [:]
    private var slots: [Float]
    private var covered = Set<Int>()

    init(tree: SummationTree, random: inout SplitMix64) {
        self.tree = tree
        nodes = tree.allNodes
        // Values of very different sizes: another order of addition would give other bits.
        let shards = (0..<tree.shards).map { shard -> Float? in
            let empty = SummationTree.samples(ofShard: shard, of: tree.shards, in: tree.samples).isEmpty
            let significand = Float.random(in: -1...1, using: &random)
            let exponent = Int.random(in: -12...12, using: &random)
            return empty ? nil : Float(sign: .plus, exponent: exponent, significand: significand)
        }
        for id in nodes {
            values[id] = Self.sum(shards[tree.shards(of: id)])
        }
        expected = Self.sum(shards[...]) ?? .nan
        slots = Array(repeating: .nan, count: tree.shards)
    }

    /// The definition: [a, b) splits at (a+b)/2 rounded down, and empty halves are omitted.
    static func sum(_ shards: ArraySlice<Float?>) -> Float? {
        if shards.count == 1 { return shards[shards.startIndex] }
        let middle = (shards.startIndex + shards.endIndex) / 2
        guard let left = sum(shards[..<middle]) else { return sum(shards[middle...]) }
        guard let right = sum(shards[middle...]) else { return left }
        return left + right
    }

    var sum: Float { slots[tree.slot(of: tree.root)] }

    /// Lets a node arrive and checks the outcome against the set of leaves that have arrived; true at the end.
    mutating func arrive(_ node: NodeID, lane: Int, in arrivals: inout TreeArrivals) -> Bool {
        let leaves = Set(tree.leaves(of: node))
        let duplicate = leaves.isSubset(of: covered)
        #expect(arrivals.isKnown(node, lane: lane) == duplicate)
        if !duplicate { slots[tree.slot(of: node)] = values[node] ?? .nan }
        covered.formUnion(leaves)
        let complete = covered.count == tree.leaves.count
        let outcome = arrivals.insert(node, lane: lane) { parent, left, right in
            #expect(tree.slot(of: parent) == tree.slot(of: left))
            slots[tree.slot(of: left)] += slots[tree.slot(of: right)]
        }
        #expect(outcome == (duplicate ? .duplicate : complete ? .complete : .pending))
        return complete
    }
}
