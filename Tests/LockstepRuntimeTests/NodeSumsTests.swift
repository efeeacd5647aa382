import LockstepNumerics
import LockstepSharding
import LockstepTesting
import LockstepTraining
import Testing

@testable import LockstepRuntime

@Suite("The sums of an aggregator")
struct NodeSumsTests {
    private let layout = ChunkLayout(segments: [0..<5, 5..<16], maximumElements: 4)

    private struct Message: Hashable {
        let node: NodeID
        let chunk: ChunkLayout.Chunk
        let bytes: [UInt8]

        static func == (left: Message, right: Message) -> Bool {
            left.node == right.node && left.chunk == right.chunk && left.bytes == right.bytes
        }

        func hash(into hasher: inout Hasher) { hasher.combine(bytes) }
    }

    /// The gradient of each node under this one, as one process computes it.
    private func gradients(
        of node: NodeID, _ tree: SummationTree, _ dataType: CommunicationDataType, into all: inout [NodeID: [Float]]
    ) {
        var sum: [Float]
        if let (left, right) = tree.children(of: node) {
            gradients(of: left, tree, dataType, into: &all)
            gradients(of: right, tree, dataType, into: &all)
            sum = zip(all[left] ?? [], all[right] ?? []).map(+)
        } else {
            var random = SplitMix64(seed: UInt64(node.rawValue))
            sum = (0..<16).map { _ in Float.random(in: -1...1, using: &random) }
        }
        if dataType == .bfloat16, node != tree.root || tree.children(of: node) == nil {
            sum.withUnsafeMutableBufferPointer { floats in
                if let base = floats.baseAddress { roundToBFloat16(base, count: floats.count) }
            }
        }
        all[node] = sum
    }

    private func loss(of node: NodeID, _ tree: SummationTree) -> Double {
        guard let (left, right) = tree.children(of: node) else { return 1 / Double(node.rawValue) }
        return loss(of: left, tree) + loss(of: right, tree)
    }

    private func buffer(of floats: [Float]) -> FloatBuffer {
        let buffer = FloatBuffer(count: floats.count)
        for (index, float) in floats.enumerated() { buffer.pointer[index] = float }
        return buffer
    }

    /// The messages that one process would send for these nodes.
    private func expected(
        _ nodes: [NodeID], _ gradients: [NodeID: [Float]], _ dataType: CommunicationDataType
    ) -> Set<Message> {
        var messages: Set<Message> = []
        for node in nodes {
            let (buffer, encoded) = (buffer(of: gradients[node] ?? []), EncodedFloats(chunks: layout))
            withExtendedLifetime((buffer, encoded)) {
                for (index, chunk) in layout.chunks.enumerated() {
                    let bytes =
                        dataType == .float32
                        ? UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer.buffer[chunk.range]))
                        : encoded.bytes(of: index, from: buffer)
                    messages.insert(Message(node: node, chunk: chunk, bytes: Array(bytes)))
                }
            }
        }
        return messages
    }

    @Test(
        "In whatever parts and order they come, the sums that are sent have the bits of one process's",
        arguments: [CommunicationDataType.float32, .bfloat16], 1...30)
    func bits(dataType: CommunicationDataType, seed: Int) {
        var random = SplitMix64(seed: UInt64(seed))
        let shards = Int.random(in: 1...9, using: &random)
        let tree = SummationTree(shards: shards, samples: Int.random(in: 1...20, using: &random))
        let splitsRoot = dataType == .bfloat16
        var all: [NodeID: [Float]] = [:]
        gradients(of: tree.root, tree, dataType, into: &all)
        let sums = NodeSums(layout: layout, shards: shards, dataType: dataType)
        for step in 0..<2 as Range<UInt64> {
            // What one of some workers gets of the tree, cut again for the processes of that worker.
            let hosts = AssignmentPlan(
                tree: tree, capacities: (0..<Int.random(in: 1...3, using: &random)).map { _ in 2 },
                splitsRoot: splitsRoot)
            let wanted = hosts.nodes[0]
            let processes = AssignmentPlan(
                tree: tree, nodes: wanted,
                capacities: Array(repeating: 1, count: Int.random(in: 1...4, using: &random)),
                splitsRoot: splitsRoot)
            sums.begin(step: step, tree, wanted)
            var sent: Set<Message> = []
            var completed: [NodeID: Double] = [:]
            var results: [(node: NodeID, chunk: Int?)] = []
            for node in processes.nodes.joined() {
                for chunk in layout.chunks.indices { results.append((node: node, chunk: chunk)) }
                results.append((node: node, chunk: nil))
            }
            for (node, chunk) in results.shuffled(using: &random) {
                let buffer = buffer(of: all[node] ?? [])
                var result = PartialResult.lossSum(node, loss(of: node, tree))
                if let chunk {
                    let floats = UnsafePointer(buffer.pointer + layout.chunks[chunk].range.lowerBound)
                    result = .gradient(node, chunk: chunk, floats, isStable: false)
                }
                let done = withExtendedLifetime(buffer) {
                    sums.add(result) { node, chunk, bytes in
                        sent.insert(Message(node: node, chunk: chunk, bytes: Array(bytes)))
                    }
                }
                if let done { completed[done.node] = done.lossSum }
            }
            #expect(sent == expected(wanted, all, dataType), "seed \(seed)")
            #expect(completed == Dictionary(uniqueKeysWithValues: wanted.map { ($0, loss(of: $0, tree)) }), "\(seed)")
            #expect(!sums.isIncomplete)
        }
    }
}
