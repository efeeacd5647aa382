import LockstepCostModel
import LockstepSharding
import Testing

@Suite("Hosts in the cost model")
struct HostModelTests {
    /// A machine of round numbers, and a network of 100 chunks.
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
        messages: .init(fixed: 100e-6, each: 20e-6), parameterBytes: 400 * ChunkLayout.maximumElements,
        lastSegmentShare: 0.01, cores: 2, contention: 1.2)
    private static let link = CostModel.Link(bytesPerSecond: 125e6, latency: 1e-3)
    /// Seconds in which all parameters cross the link.
    private static let way = Double(model.parameterBytes) / link.bytesPerSecond

    private static func layout(_ text: String) throws -> HostLayout { try #require(HostLayout(text)) }

    @Test("A layout is a number of hosts and of processes")
    func layouts() throws {
        let layout = try Self.layout("4x8")
        #expect(layout.hosts == 4 && layout.processes == 8 && layout.workers == 32)
        #expect(try Self.layout("1000X1").workers == 1_000)
        let others = [
            "", "4", "x", "4x", "x8", "0x8", "4x0", "-1x8", "4x8x2", "1025x1", "1x1025", "33x32", "4 x 8",
            "\(UInt64.max)0x1",
        ]
        for text in others {
            #expect(HostLayout(text) == nil, "\(text)")
        }
    }

    @Test("A tree has a level more each time that the hosts of the levels before are too few")
    func levels() throws {
        for (hosts, levels) in [(1, 1), (2, 1), (3, 2), (6, 2), (7, 3), (14, 3), (15, 4)] {
            #expect(HostTopology.tree(fanOut: 2).levels(try Self.layout("\(hosts)x1")) == levels, "\(hosts)")
        }
        #expect(HostTopology.tree(fanOut: 4).levels(try Self.layout("1000x1")) == 5)
        #expect(HostTopology.hosts.levels(try Self.layout("1000x1")) == 1)
    }

    @Test("The coordinator's link carries a copy for each member that it serves")
    func copies() throws {
        let layout = try Self.layout("4x8")
        #expect(HostTopology.processes.copies(layout) == 32)
        #expect(HostTopology.hosts.copies(layout) == 4)
        #expect(HostTopology.tree(fanOut: 2).copies(layout) == 2)
        #expect(HostTopology.tree(fanOut: 8).copies(layout) == 4)
    }

    @Test("Processes of a host compute their own shards, side by side")
    func compute() throws {
        let alone = Self.model.distributed(batch: 400, on: try Self.layout("4x1"), .hosts, link: Self.link)
        #expect(abs(alone.compute - 110e-6) < 1e-12)
        let together = Self.model.distributed(batch: 400, on: try Self.layout("4x2"), .hosts, link: Self.link)
        #expect(abs(together.compute - 1.2 * 60e-6) < 1e-12)
        // One process more is a round of messages to two, and one addition.
        let difference = together.communication - alone.communication
        #expect(abs(difference - (20e-6 + 4e-6 + (alone.compute - together.compute) / 2)) < 1e-6, "\(difference)")
    }

    @Test("Where the link decides, a step takes as long as the coordinator's copies, and some chunks for each level")
    func transfer() throws {
        let layout = try Self.layout("16x4")
        func communication(_ topology: HostTopology) -> Double {
            Self.model.distributed(batch: 640, on: layout, topology, link: Self.link).communication
        }
        // The weights come back while further gradients arrive, except for the last chunk.
        #expect(abs(communication(.processes) / Self.way - 64 * 1.01) < 0.1)
        #expect(abs(communication(.hosts) / Self.way - 16 * 1.01) < 0.1)
        // Four levels: two copies on each link, and two chunks on the way for each further level, there and back.
        #expect(abs(communication(.tree(fanOut: 2)) / Self.way - (2 * 1.01 + 2 * 3 * 2 * 0.01)) < 0.1)
    }

    @Test("No topology is faster than the least transfer")
    func bound() throws {
        for (hosts, processes) in [(2, 4), (3, 4), (10, 4), (1_000, 1)] {
            let layout = try Self.layout("\(hosts)x\(processes)")
            let least = Self.model.leastTransfer(layout, link: Self.link)
            #expect(abs(least - 2 * Self.way * Double(hosts - 1) / Double(hosts)) < 1e-9)
            for topology in [.processes, .hosts, .tree(fanOut: 2), .tree(fanOut: 4)] as [HostTopology] {
                let step = Self.model.distributed(batch: 4_000, on: layout, topology, link: Self.link)
                #expect(step.communication > least, "\(hosts) \(topology)")
            }
        }
    }
}
