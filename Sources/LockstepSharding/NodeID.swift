/// The identifier of a node in the summation tree, its heap index: the root is 1, the children of i are 2i and 2i + 1.
///
/// It depends on the number of shards alone, so a tree node keeps it in short batches, where some shards are empty.
/// Messages carry it: any 32 bits make a `NodeID`, and ``SummationTree/contains(_:)`` says whether it is a node of a
/// tree.
package struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    /// The node over all shards. If only one of its halves has samples, it is not a node of the tree: use
    /// ``SummationTree/root``.
    package static let root = NodeID(rawValue: 1)

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (first: NodeID, second: NodeID) -> Bool {
        first.rawValue < second.rawValue
    }

    package var description: String { "node \(rawValue)" }
}
