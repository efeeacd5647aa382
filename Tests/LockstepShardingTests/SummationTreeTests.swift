import LockstepSharding
import Testing

@Suite struct SummationTreeTests {
    @Test("Shards are consecutive, cover the batch and differ by at most one sample", arguments: Cases.shards)
    func shardsPartitionTheBatch(shards: Int) {
        for samples in Cases.samples {
            var end = 0
            for i in 0..<shards {
                let range = SummationTree.samples(ofShard: i, of: shards, in: samples)
                #expect(range.lowerBound == end)
                #expect(range.count == samples / shards || range.count == samples / shards + 1)
                end = range.upperBound
            }
            #expect(end == samples)
        }
    }

    @Test("Shard i starts at i·m/S rounded down", arguments: Cases.shards)
    func shardFormula(shards: Int) {
        for samples in Cases.samples where samples < .max / 1024 {
            for i in 0..<shards {
                let range = SummationTree.samples(ofShard: i, of: shards, in: samples)
                #expect(range == i * samples / shards..<(i + 1) * samples / shards)
            }
        }
    }

    @Test("Five shards of nine samples make the tree that the documentation draws")
    func fiveShards() {
        let tree = SummationTree(shards: 5, samples: 9)
        #expect(tree.root == .root)
        #expect(tree.leaves.map(\.rawValue) == [4, 5, 6, 14, 15])
        #expect(tree.leaves.map { tree.samples(of: $0).count } == [1, 2, 2, 2, 2])
        #expect(tree.allNodes.map(\.rawValue) == [1, 2, 3, 4, 5, 6, 7, 14, 15])
        #expect(tree.shards(of: NodeID(rawValue: 3)) == 2..<5)
        #expect(tree.samples(of: NodeID(rawValue: 3)) == 3..<9)
        #expect(tree.slot(of: NodeID(rawValue: 3)) == 2)
        #expect(tree.depth == 4)
        #expect(tree.nodeLimit == 16)
    }

    @Test("Five shards of two samples leave a root and two leaves")
    func emptyShards() {
        let tree = SummationTree(shards: 5, samples: 2)
        #expect(tree.root == NodeID(rawValue: 3))
        #expect(tree.leaves.map(\.rawValue) == [6, 15])
        #expect(tree.allNodes.map(\.rawValue) == [3, 6, 15])
        #expect(tree.parent(of: NodeID(rawValue: 15)) == NodeID(rawValue: 3))
        #expect(tree.slot(of: NodeID(rawValue: 3)) == 2)
        #expect(tree.slot(of: NodeID(rawValue: 15)) == 4)
        #expect(tree.depth == 2)
    }

    @Test("One sample is the root, whatever the number of shards", arguments: Cases.shards)
    func oneSample(shards: Int) {
        let tree = SummationTree(shards: shards, samples: 1)
        #expect(tree.leaves == [tree.root])
        #expect(tree.shards(of: tree.root) == shards - 1..<shards)
        #expect(tree.samples(of: tree.root) == 0..<1)
        #expect(tree.children(of: tree.root) == nil)
        #expect(tree.parent(of: tree.root) == nil)
        #expect(tree.depth == 1)
    }

    @Test("The leaves hold all samples in order, none of them empty", arguments: Cases.trees())
    func leafOrder(tree: SummationTree) {
        var end = 0
        for (position, leaf) in tree.leaves.enumerated() {
            let range = tree.samples(of: leaf)
            #expect(range.lowerBound == end)
            #expect(!range.isEmpty)
            #expect(tree.shards(of: leaf).count == 1)
            #expect(tree.leaves(of: leaf) == position..<position + 1)
            #expect(tree.slot(of: leaf) == tree.shards(of: leaf).lowerBound)
            end = range.upperBound
        }
        #expect(end == tree.samples)
        #expect(tree.leaves.count == min(tree.shards, tree.samples))
    }

    @Test("Nodes split their samples between two children that know their parent", arguments: Cases.trees())
    func structure(tree: SummationTree) {
        let nodes = tree.allNodes
        #expect(nodes.count == 2 * tree.leaves.count - 1)
        #expect(tree.samples(of: tree.root) == 0..<tree.samples)
        for id in nodes {
            guard let (left, right) = tree.children(of: id) else {
                #expect(tree.leaves(of: id).count == 1)
                continue
            }
            #expect(tree.parent(of: left) == id)
            #expect(tree.parent(of: right) == id)
            #expect(tree.samples(of: left).lowerBound == tree.samples(of: id).lowerBound)
            #expect(tree.samples(of: left).upperBound == tree.samples(of: right).lowerBound)
            #expect(tree.samples(of: right).upperBound == tree.samples(of: id).upperBound)
            #expect(tree.slot(of: id) == tree.slot(of: left))
            let shards = tree.shards(of: id)
            let middle = (shards.lowerBound + shards.upperBound) / 2
            #expect(tree.shards(of: left).upperBound <= middle)
            #expect(tree.shards(of: right).lowerBound >= middle)
        }
    }

    @Test("The tree has no more levels than halving needs, and exactly those when every shard has samples")
    func depth() {
        for tree in Cases.trees() {
            var levels = 1
            while 1 << (levels - 1) < tree.shards { levels += 1 }
            #expect(tree.depth <= levels)
            if tree.samples >= tree.shards { #expect(tree.depth == levels) }
        }
    }

    @Test("Any raw value can be asked about")
    func containsIsTotal() {
        let tree = SummationTree(shards: 5, samples: 9)
        for rawValue: UInt32 in [0, 8, 9, 10, 12, 13, 16, 1 << 16, .max - 1, .max] {
            #expect(!tree.contains(NodeID(rawValue: rawValue)))
        }
        let short = SummationTree(shards: 5, samples: 2)
        #expect(!short.contains(.root))
        #expect(!short.contains(NodeID(rawValue: 7)))
    }

    @Test("Covering nodes hold the wanted samples, and none of them could be replaced by its parent")
    func covering() {
        for tree in Cases.trees(upTo: 31) {
            for start in 0...tree.shards {
                for end in start...tree.shards {
                    let wanted = tree.leaves.indices.filter {
                        (start..<end).contains(tree.shards(of: tree.leaves[$0]).lowerBound)
                    }
                    let nodes = tree.nodes(covering: start..<end)
                    #expect(nodes.flatMap { Array(tree.leaves(of: $0)) } == wanted)
                    for parent in nodes.compactMap(tree.parent(of:)) {
                        #expect(!tree.leaves(of: parent).allSatisfy(wanted.contains))
                    }
                }
            }
        }
    }

    @Test("Trees are equal if their shards and samples are")
    func equality() {
        #expect(SummationTree(shards: 4, samples: 10) == SummationTree(shards: 4, samples: 10))
        #expect(SummationTree(shards: 4, samples: 10) != SummationTree(shards: 4, samples: 11))
        #expect(SummationTree(shards: 4, samples: 10) != SummationTree(shards: 5, samples: 10))
    }
}
