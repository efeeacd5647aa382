import LockstepLaunch
import Testing

@Suite("Lists of hosts")
struct HostListTests {
    private func entries(_ pairs: (String, Int)...) -> [HostEntry] {
        pairs.map { HostEntry(name: $0.0, processes: $0.1) }
    }

    @Test("Hosts, numbers of processes and ranges")
    func list() throws {
        #expect(try HostList.parse("a,b:4,me@c.example") == entries(("a", 1), ("b", 4), ("me@c.example", 1)))
        #expect(try HostList.parse("n[08-11]:2") == entries(("n08", 2), ("n09", 2), ("n10", 2), ("n11", 2)))
        #expect(
            try HostList.parse("n[1-2,7]x,m") == entries(("n1x", 1), ("n2x", 1), ("n7x", 1), ("m", 1)))
        #expect(
            try HostList.parse("r[0-1]n[8-9]:2") == entries(("r0n8", 2), ("r0n9", 2), ("r1n8", 2), ("r1n9", 2)))
        #expect(try HostList.parse("n[9-10]") == entries(("n9", 1), ("n10", 1)))
    }

    @Test("A host that occurs twice has the processes of both")
    func twice() throws {
        #expect(try HostList.parse("a:2,b,a") == entries(("a", 3), ("b", 1)))
    }

    @Test("A file has a host on each line, as Open MPI's")
    func file() throws {
        let text = """
            # our machines
            n01 slots=4   # four cores
            n02

              n03\tslots=2 max-slots=8\r
            """
        #expect(try HostList.parse(file: text) == entries(("n01", 4), ("n02", 1), ("n03", 2)))
    }

    @Test(
        "What names no hosts is refused: nothing else ever reaches ssh",
        arguments: [
            "", ",", "a,,b", "a:", "a:0", "a:x", "a:1025", "n[1-", "n]1[", "n[[1]]", "n[a-b]", "n[2-1]", "n[1-9999]",
            "n[-1]", "-oProxyCommand=x", "@a", "a b", "a;reboot", "a$(x)", "a/b", "'a'", "n[0-1023],m", "ä",
            "n[0-99][0-99]", "[1][1][1][1][1]",
        ])
    func refused(text: String) {
        #expect(throws: HostList.Fault.self) { try HostList.parse(text) }
    }

    @Test(
        "A line of a file that is no host is named by its number",
        arguments: [("a\n-x", "line 2: "), ("a slot=3", "line 1: 'slot=3' is not slots=N"), ("# none\n", "no host")])
    func refusedLine(text: String, expected: String) {
        let fault = #expect(throws: HostList.Fault.self) { try HostList.parse(file: text) }
        #expect(fault?.description.contains(expected) == true, "\(String(describing: fault))")
    }
}
