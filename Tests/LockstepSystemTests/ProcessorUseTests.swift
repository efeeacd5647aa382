import LockstepTesting
import Testing

@testable import LockstepSystem

@Suite("Processor time that other programs use")
struct ProcessorUseTests {
    /// Two CPUs: 100 + 10 + 50 + 5 + 5 + 30 and 1 + 2 + 3 + 6 + 7 + 8 ticks of work.
    private static let stat = """
        cpu  101 12 53 1300 440 11 12 38 9 0
        cpu0 100 10 50 1000 400 5 5 30 9 0
        cpu1 1 2 3 300 40 6 7 8 0 0
        intr 12345 0 0
        ctxt 1
        """

    private static func seconds(_ text: String, cores: CoreSet) -> Double? {
        ProcessorUse.usedSeconds(text: text, cores: cores, ticksPerSecond: 100)
    }

    @Test("All but idle time and waiting for disks counts, of the CPUs of this process")
    func cores() throws {
        let both = CoreSet([0, 1])
        #expect(Self.seconds(Self.stat, cores: both) == 2.27)
        #expect(Self.seconds(Self.stat, cores: CoreSet([1])) == 0.27)
        // A container numbers its own CPUs from 0.
        #expect(Self.seconds(Self.stat, cores: CoreSet([1, 17])) == 2.27)
        #expect(Self.seconds(Self.stat, cores: CoreSet([])) == 2.27)
    }

    @Test(
        "A text without CPUs says nothing",
        arguments: [
            "", "cpu 1 2 3 4", "cpu0", "cpu0 1 2", "cpu0 a b c d e f g h", "cpux 1 2 3 4 5", "intr 1 2 3 4 5\n\n",
        ])
    func nothing(text: String) {
        #expect(Self.seconds(text, cores: CoreSet([0])) == nil)
    }

    @Test("A kernel without steal time has shorter lines")
    func short() {
        #expect(Self.seconds("cpu0 1 2 3 100", cores: CoreSet([0])) == 0.06)
    }

    @Test("What this process used itself is subtracted, and no more than all")
    func own() {
        #expect(ProcessorUse.byOthers(used: 3, own: 1, elapsed: 2) == 1)
        #expect(ProcessorUse.byOthers(used: 1, own: 1.5, elapsed: 2) == 0)
        #expect(ProcessorUse.byOthers(used: 1, own: 0, elapsed: 0) == nil)
        #expect(ProcessorUse.byOthers(used: .infinity, own: 0, elapsed: 1) == nil)
    }

    @Test("Without the file, and right after the start, nothing is known")
    func missing() throws {
        let folder = try TemporaryFolder()
        #expect(ProcessorUse(stat: folder("none")).byOthers == nil)
    }

    @Test(
        "The processor's name comes without needless spaces",
        arguments: [
            ("processor\t: 0\nmodel name\t: AMD EPYC 9B14\nmodel name\t: other\n", "AMD EPYC 9B14"),
            ("model name\t: Intel(R)  Xeon(R)   CPU @ 2.00GHz", "Intel(R) Xeon(R) CPU @ 2.00GHz"),
            ("model name\t:  \n", nil), ("model name", nil), ("", nil), ("BogoMIPS: 100", nil),
        ] as [(String, String?)])
    func name(text: String, expected: String?) {
        #expect(Host.processorName(in: text) == expected)
    }
}
