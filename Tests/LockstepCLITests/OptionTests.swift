import LockstepBench
import LockstepChaos
import Testing

@testable import LockstepCLI

@Suite("Values of options")
struct OptionTests {
    @Test(
        "A range is one number or two",
        arguments: [("3", 3, 3, "3"), ("1:5", 1, 5, "1:5"), ("5:1", 5, 1, "5:1"), ("-2:0", -2, 0, "-2:0")])
    func ranges(argument: String, minimum: Int, maximum: Int, text: String) throws {
        let range = try #require(IntegerRange(argument: argument))
        #expect(range.minimum == minimum && range.maximum == maximum && range.text == text)
    }

    @Test("Anything else is no range", arguments: ["1:2:3", "a", ":", "", "1:", ":1", "1.5", "1 : 2"])
    func noRange(argument: String) {
        #expect(IntegerRange(argument: argument) == nil)
    }

    @Test("A range keeps to its limits, and the error names option, value and limits")
    func limits() throws {
        func check(_ minimum: Int, _ maximum: Int) throws -> ClosedRange<Int> {
            try IntegerRange(minimum, maximum).checked(within: 1...1_024, option: "--workers", noun: "workers")
        }
        #expect(try check(1, 1_024) == 1...1_024)
        let outside = #expect(throws: CommandError.self) { _ = try check(0, 2) }
        #expect(outside == CommandError(.usage, "--workers 0:2: give 1 to 1,024 workers"))
        #expect(throws: CommandError(.usage, "--workers 1:2000: give 1 to 1,024 workers")) { _ = try check(1, 2_000) }
        #expect(throws: CommandError(.usage, "--workers 3:2: the second number must not be below the first")) {
            _ = try check(3, 2)
        }
    }

    @Test("Workers are a number or auto")
    func workers() throws {
        #expect(try WorkerCount(argument: "2")?.checked() == 2)
        #expect(WorkerCount(argument: "2")?.isAutomatic == false && WorkerCount(argument: "auto")?.isAutomatic == true)
        #expect(WorkerCount(argument: "two") == nil)
        #expect(
            throws: CommandError(
                .usage, "--workers 0: a run has at least one worker; leave --workers out to train in this process")
        ) { _ = try WorkerCount(argument: "0")?.checked() }
        #expect(throws: CommandError(.usage, "--workers 1025: a run has at most 1,024 workers")) {
            _ = try WorkerCount(argument: "1025")?.checked()
        }
    }

    @Test("A list of worker counts has different numbers within the limits")
    func workerLists() throws {
        #expect(WorkerCountList(argument: "1,2,4")?.counts == [1, 2, 4])
        for text in ["", "1,", "a", "1 2"] { #expect(WorkerCountList(argument: text) == nil, "\(text)") }
        try WorkerCountList(counts: [1, 2, 1_024]).check()
        for counts in [[0], [1_025], [1, 1], Array(1...17)] {
            #expect(throws: CommandError.self) { try WorkerCountList(counts: counts).check() }
        }
    }

    @Test("Faults are a list of kinds")
    func faults() {
        #expect(FaultList(argument: "kill,stop")?.faults == [.kill, .stop])
        for text in ["kill,", "flood", "", ","] { #expect(FaultList(argument: text) == nil, "\(text)") }
        #expect(FaultList(faults: [.kill, .join]).defaultValueDescription == "kill,join")
    }

    @Test("A link is read as the bench reads it")
    func link() {
        #expect(BenchLink(argument: "1gbit,0.2ms") == BenchLink("1gbit,0.2ms"))
        #expect(BenchLink(argument: "fast") == nil)
    }
}
