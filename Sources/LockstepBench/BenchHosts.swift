package import LockstepCostModel

/// Layouts of hosts to predict for, such as `4x8,16x8`, and the link that each host has.
package struct BenchHosts: Hashable, Sendable {
    /// The fewest and the most hosts that one host or the coordinator serves in a tree.
    package static let fanOuts = 2...64

    package let layouts: [HostLayout]
    /// How many hosts each one serves where they make up a tree.
    package let fanOut: Int
    package let link: BenchLink

    package init(layouts: [HostLayout], fanOut: Int, link: BenchLink) {
        self.layouts = layouts
        self.fanOut = fanOut
        self.link = link
    }

    /// A step of one layout, connected in one way.
    package struct Prediction: Hashable, Sendable {
        package let layout: HostLayout
        package let topology: HostTopology
        package let step: CostModel.Estimate
    }

    /// The ways in which the hosts of a layout can be connected that differ.
    package func topologies(_ layout: HostLayout) -> [HostTopology] {
        (layout.processes > 1 ? [.processes] : []) + [.hosts] + (layout.hosts > fanOut ? [.tree(fanOut: fanOut)] : [])
    }

    /// A step of each layout in each of these ways.
    ///
    /// - Parameters:
    ///   - model: Fitted to this machine.
    ///   - batch: Samples of the mini-batch.
    /// - Returns: The predictions, by layout.
    package func predictions(_ model: CostModel, batch: Int) -> [Prediction] {
        layouts.flatMap { layout in
            topologies(layout).map { topology in
                Prediction(
                    layout: layout, topology: topology,
                    step: model.distributed(batch: batch, on: layout, topology, link: link.link))
            }
        }
    }
}
