/// A node of the summation tree, named by its heap index: the root is 1, the children of i are 2i and 2i + 1.
///
/// The name depends on the number of shards alone, so a node keeps it in short batches, where some shards are empty.
/// It is also what travels: any 32 bits make a `NodeID`, and ``SummationTree/contains(_:)`` tells which ones mean
/// something.
package struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    /// The node over all shards. Where only one of its halves has samples this isn't a node of the tree;
    /// ``SummationTree/root`` is.
    package static let root = NodeID(rawValue: 1)

    package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (first: NodeID, second: NodeID) -> Bool {
        first.rawValue < second.rawValue
    }

    package var description: String { "node \(rawValue)" }
}
