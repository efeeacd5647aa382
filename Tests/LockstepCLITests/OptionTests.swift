import ArgumentParser
import LockstepBench
import LockstepChaos
import LockstepCostModel
import Testing
import ZeroMQ

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

    @Test("What the argument parser refuses is one line with the remedy")
    func refusals() {
        #expect(
            UsageText.line("The value 'x' is invalid for '--workers <n>'", arguments: ["train", "a.yaml"])
                == "the value 'x' is invalid for '--workers <n>'; see lockstep train --help")
        #expect(
            UsageText.line("Unknown option '--seeed'. Did you mean '--seed'?", arguments: ["train"])
                == "unknown option '--seeed'; did you mean '--seed'?")
        #expect(
            UsageText.line("Unexpected argument 'b'\n  or more", arguments: ["export", "b"])
                == "unexpected argument 'b'; or more; see lockstep export --help")
        #expect(UsageText.line("Unexpected", arguments: ["trian"]) == "unknown command 'trian'; did you mean 'train'?")
        #expect(UsageText.line("Unexpected", arguments: ["a\n"]) == #"unknown command 'a\n'; see lockstep --help"#)
        #expect(UsageText.line("Missing", arguments: []) == "missing; see lockstep --help")
    }

    @Test("A number below zero is the value of the option before it")
    func negativeNumbers() {
        func joined(_ line: String) -> String {
            UsageText.joiningNegativeNumbers(line.split(separator: " ").map(String.init)).joined(separator: " ")
        }
        #expect(joined("train a.yaml --workers -1 --seed 3") == "train a.yaml --workers=-1 --seed 3")
        for line in ["predict -1", "train --workers 1 -2", "train --workers=1 -2", "predict -- --x -1", "x -o -f", ""] {
            #expect(joined(line) == line)
        }
    }

    @Test("Workers beyond the shards are told apart, with what a resumed run keeps")
    func spareWorkers() {
        #expect(TrainCommand.line(workers: 2, shards: 2, isResumed: true) == nil)
        #expect(
            TrainCommand.line(workers: 3, shards: 2, isResumed: true)
                == "The run has 2 shards, which a resumed run keeps: of 3 workers, 1 has no gradients to compute until "
                + "another is lost")
        #expect(
            TrainCommand.line(workers: 3, shards: 1, isResumed: false)
                == "The run has 1 shard: of 3 workers, 2 have no gradients to compute until another is lost")
    }

    @Test("Processes are a number or auto")
    func processes() throws {
        #expect(try ProcessCount(argument: "3")?.checked() == 3)
        #expect(try ProcessCount(argument: "auto")?.checked() ?? 0 >= 1)
        #expect(ProcessCount(argument: "some") == nil && ProcessCount(1).defaultValueDescription == "1")
        for count in [0, -1, 2_000] { #expect(throws: CommandError.self) { try ProcessCount(count).checked() } }
    }

    @Test("--resume=auto is an option of its own to the parser, which takes no argument from behind it")
    func resume() throws {
        let arguments = ["train", "--resume=auto", "x.yaml", "--", "--resume=auto"]
        #expect(
            UsageText.expandingResume(arguments) == ["train", "--resume-auto", "x.yaml", "--", "--resume=auto"])
        let command = try LockstepCommand.parseAsRoot(UsageText.expandingResume(["train", "--resume=auto", "x.yaml"]))
        let train = try #require(command as? TrainCommand)
        #expect(train.options.resumes && !train.options.resume && train.options.source.config == "x.yaml")
    }

    @Test("The line that starts a worker can be pasted")
    func workerLine() {
        #expect(
            CoordinatorCommand.workerLine(
                [.tcp(host: "10.0.0.5", port: 1), .tcp(host: "fd00::5", port: 1)], hasKeys: true)
                == "To start a worker: lockstep worker --connect tcp://10.0.0.5:1,'tcp://[fd00::5]:1' --keys DIR")
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

    @Test("Layouts of hosts are a list")
    func hosts() {
        #expect(HostLayoutList(argument: "4x8,16x1")?.layouts.map(\.workers) == [32, 16])
        for text in ["", "4x8,", "4", "4x8 16x8"] { #expect(HostLayoutList(argument: text) == nil, "\(text)") }
    }
}
