/// A cable between two namespaces: 10.77.NUMBER.1 at its near end, 10.77.NUMBER.2 at its far one.
package struct NetworkLink: Sendable {
    /// From 1; no other cable of the near namespace has it.
    private let number: Int
    private let near: NetworkNamespace
    private let far: NetworkNamespace

    /// The far end's interface, as its namespace calls it.
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

    /// Lets so much through each way, with a queue of 50 ms.
    ///
    /// - Parameter rate: As tc(8) writes it, such as `100mbit`.
    /// - Throws: What tc(8) says.
    package func limit(rate: String) throws {
        for (end, name) in [(near, nearName), (far, Self.farName)] {
            try end.run("tc qdisc replace dev \(name) root tbf rate \(rate) burst 256kb latency 50ms")
        }
    }

    /// Takes the far end down: neither end can send, and both are told so.
    package func cut() throws {
        try far.run("ip link set dev \(Self.farName) down")
    }

    /// Takes the far end up again.
    package func mend() throws {
        try far.run("ip link set dev \(Self.farName) up")
    }

    /// Drops what the far end sends, and tells nobody: its frames go to an Ethernet address that no one has. What the
    /// near end sends still arrives, so that each has a connection of which it cannot tell that it is half open.
    package func dropWhatFarEndSends() throws {
        try far.run("ip neighbour replace \(nearAddress) lladdr 02:00:00:00:00:99 dev \(Self.farName) nud permanent")
    }

    /// Drops no more.
    package func dropNothing() throws {
        try far.run("ip neighbour delete \(nearAddress) dev \(Self.farName)")
    }
}
