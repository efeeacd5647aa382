/// A virtual cable between two network namespaces. The address of its near end is 10.77.NUMBER.1, of its far end
/// 10.77.NUMBER.2.
package struct NetworkLink: Sendable {
    /// From 1; unique among the cables of the near namespace.
    private let number: Int
    private let near: NetworkNamespace
    private let far: NetworkNamespace

    /// The name of the far end's interface.
    private static let farName = "uplink"

    package init(number: Int, from near: NetworkNamespace, to far: NetworkNamespace) throws {
        self.number = number
        self.near = near
        self.far = far
        try near.run(
            """
            ip link add \(nearName) type veth peer name \(Self.farName) netns \(far.processID)
            ip address add \(nearAddress)/24 dev \(nearName)
            ip link set dev \(nearName) up
            """)
        try far.run(
            """
            ip address add \(farAddress)/24 dev \(Self.farName)
            ip link set dev \(Self.farName) up
            """)
    }

    package var nearAddress: String { "10.77.\(number).1" }
    package var farAddress: String { "10.77.\(number).2" }
    private var nearName: String { "link\(number)" }

    /// The directions of a link.
    package enum Direction: Sendable {
        case both, fromNearEnd, fromFarEnd
    }

    /// Limits the rate. At less than a megabit a second a queue of 50 ms would hold no packet.
    ///
    /// - Parameters:
    ///   - direction: Which way.
    ///   - rate: In the notation of tc(8), such as `100mbit`.
    ///   - burst: What passes at once, in the same notation.
    ///   - latency: The most time that a packet may wait in the queue.
    /// - Throws: ``NetworkNamespace/Failure`` with the message of tc(8).
    package func limit(
        _ direction: Direction, rate: String, burst: String = "256kb", latency: String = "50ms"
    ) throws {
        for (end, name, way) in [(near, nearName, Direction.fromNearEnd), (far, Self.farName, .fromFarEnd)]
        where direction == .both || direction == way {
            try end.run("tc qdisc replace dev \(name) root tbf rate \(rate) burst \(burst) latency \(latency)")
        }
    }

    /// Takes the far end down: neither end can send, and both see that.
    package func cut() throws {
        try far.run("ip link set dev \(Self.farName) down")
    }

    /// Takes the far end up again.
    package func mend() throws {
        try far.run("ip link set dev \(Self.farName) up")
    }

    /// Drops the frames of the far end silently: they go to an Ethernet address that does not exist. Frames of the near
    /// end still arrive, so neither end can see that its connection is half open.
    package func dropPacketsFromFarEnd() throws {
        try far.run("ip neighbour replace \(nearAddress) lladdr 02:00:00:00:00:99 dev \(Self.farName) nud permanent")
    }

    /// Stops dropping frames.
    package func dropNothing() throws {
        try far.run("ip neighbour delete \(nearAddress) dev \(Self.farName)")
    }
}
