import Foundation
import LockstepTesting
import Testing

/// Each mistake is reported in one line before any process starts.
@Suite("Wrong input", .serialized, .oneAtATime)
struct WrongInputTests {
    /// A mistake and the expected message.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Options of `train CONFIG`.
        var options: [String]
        var status: Int32
        /// The words in the message.
        var words: [String]
    }

    private static let wideFilter = "{ conv: { filters: 2, size: 14, padding: same } }"

    static let mistakes = [
        Mistake(
            testDescription: "a mini-batch of 0", options: ["--batch", "0"], status: 78, words: ["--batch 0", "batch"]),
        Mistake(
            testDescription: "a key that does not exist", options: ["--set", "training.epoch=3"], status: 78,
            words: ["unknown key 'epoch'", "did you mean 'epochs'?"]),
        Mistake(
            testDescription: "a first size that is not the samples'", options: ["--set", "network.sizes=[784, 4]"],
            status: 78, words: ["784", "36 values", "set the first size to 36"]),
        Mistake(
            testDescription: "fewer outputs than classes", options: ["--set", "network.sizes=[36, 3]"], status: 78,
            words: ["ends with 3", "4 classes"]),
        Mistake(
            testDescription: "no workers", options: ["--workers", "0"], status: 64,
            words: ["--workers 0", "leave --workers out"]),
        Mistake(
            testDescription: "fewer workers than none", options: ["--workers", "-1"], status: 64,
            words: ["--workers -1: a run has at least one worker; leave --workers out"]),
        Mistake(
            testDescription: "a number of workers that is none", options: ["--workers", "x"], status: 64,
            words: ["lockstep: the value 'x' is invalid for '--workers <n|auto>'; see lockstep train --help\n"]),
        Mistake(
            testDescription: "an option that does not exist", options: ["--seeed", "3"], status: 64,
            words: ["lockstep: unknown option '--seeed'; did you mean '--seed'?\n"]),
        Mistake(
            testDescription: "a filter that no kernel computes, on a dry run",
            options: [
                "--dry-run", "--set", "network={ input: [1, 6, 6], layers: [\(wideFilter), flatten, { dense: 4 }] }",
            ],
            status: 78, words: ["network.layers[0]: conv has filters of 14 columns", "give a size of at most 13"]),
        Mistake(
            testDescription: "a kernel that does not exist", options: ["--kernel", "avx3"], status: 69,
            words: ["avx3", "avx2"]),
        Mistake(
            testDescription: "a data set that does not exist", options: ["--set", "data={name: minst}"], status: 66,
            words: ["minst", "mnist"]),
        Mistake(
            testDescription: "a missing file", options: ["--set", "data.labels=data/none"], status: 66,
            words: ["data/none"]),
        Mistake(
            testDescription: "an output folder that cannot be made", options: ["--output", "/dev/null/run"], status: 73,
            words: ["/dev/null/run"]),
        Mistake(
            testDescription: "an output folder that is not empty", options: ["--output", "data"], status: 73,
            words: ["data", "empty"]),
        Mistake(
            testDescription: "an output folder in a read-only file system",
            options: ["--output", "/proc/run"], status: 73, words: ["/proc/run"]),
    ]

    @Test("A mistake gives one clear line and an exit status, and nothing starts", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        let place = try Workplace()
        for workers in [[], ["--workers", "2"]] where !(workers + mistake.options).dropFirst(2).contains("--workers") {
            let run = try RunningProcess(
                ["train", place.configuration] + workers + mistake.options, in: place.folder.path)
            try expectRefusal(try run.wait(), status: mistake.status, words: mistake.words, in: place)
            #expect(run.orphans().isEmpty)
        }
    }

    @Test("A missing configuration is reported with the one that was probably meant")
    func noConfiguration() throws {
        let place = try Workplace()
        let result = try Program.run(["train", "tini.yaml"], in: place.folder.path)
        try expectRefusal(
            result, status: 66, words: ["tini.yaml: no such file", "did you mean", "tiny.yaml"], in: place)
    }

    @Test("A misspelt key is reported with file, line and suggestion")
    func misspeltKey() throws {
        let place = try Workplace()
        let lines = try text(of: place.configuration).split(separator: "\n")
        try place.folder.write(
            text: lines.map { $0.replacing("cost:", with: "cots:") }.joined(separator: "\n"), to: "tiny.yaml")
        let line = (lines.firstIndex { $0.hasPrefix("cost:") } ?? 0) + 1
        let result = try Program.run(["train", "tiny.yaml"], in: place.folder.path)
        try expectRefusal(
            result, status: 78, words: ["tiny.yaml:\(line)", "'cots'", "did you mean 'cost'?"], in: place)
    }

    @Test("A data set that has not been fetched is reported with the script that fetches it")
    func missingData() throws {
        let place = try Workplace()
        let result = try Program.run(
            ["train", "\(Program.root)/config/mnist-30.yaml"], environment: ["LOCKSTEP_CACHE": place.folder("cache")],
            in: place.folder.path)
        try expectRefusal(result, status: 66, words: ["mnist", "scripts/fetch-data"], in: place)
    }

    @Test("A truncated data file is reported with the place where it ends")
    func truncatedData() throws {
        let place = try Workplace()
        let name = "data/train-images-idx3-ubyte"
        let whole = try bytes(of: place.folder(name))
        try place.folder.write(whole.dropLast(100), to: name)
        let result = try Program.run(["train", "tiny.yaml"], in: place.folder.path)
        try expectRefusal(result, status: 65, words: [name, "\(whole.count - 100)"], in: place)
    }

    @Test("An endpoint that another coordinator uses is rejected", arguments: ["tcp", "ipc"])
    func endpointInUse(_ transport: String) throws {
        let place = try Workplace()
        let first = try RunningProcess(
            ["coordinator", "tiny.yaml", "--workers", "1", "--output", place.output(), "--bind"]
                + [transport == "tcp" ? "tcp://127.0.0.1:0" : "ipc://\(place.folder("s"))"], in: place.folder.path)
        let endpoint = try first.listeningEndpoint()
        let second = try Program.run(
            ["coordinator", "tiny.yaml", "--workers", "1", "--bind", endpoint], in: place.folder.path)
        try expectRefusal(
            second, status: 69, words: [endpoint.dropFirst("tcp://".count).description, "in use"], in: place)
    }

    @Test("An address that other hosts reach needs keys or --insecure")
    func openAddress() throws {
        let place = try Workplace()
        let result = try Program.run(
            ["coordinator", "tiny.yaml", "--workers", "1", "--bind", "tcp://0.0.0.0:0"], in: place.folder.path)
        try expectRefusal(result, status: 64, words: ["tcp://0.0.0.0:0", "--insecure"], in: place)
    }

    private func expectRefusal(
        _ result: FinishedProcess, status: Int32, words: [String], in place: Workplace,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errorLines.count == 1, "\(result)", sourceLocation: sourceLocation)
        #expect(result.errors.hasPrefix("lockstep: "), "\(result)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, "\(result)", sourceLocation: sourceLocation)
        for word in words { #expect(result.errors.contains(word), "\(result)", sourceLocation: sourceLocation) }
        #expect(!FileManager.default.fileExists(atPath: place.folder("runs")), sourceLocation: sourceLocation)
    }
}
