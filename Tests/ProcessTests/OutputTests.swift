import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// What becomes of a run, and of a command whose output is data, when its output is not read or cannot be written.
@Suite("Outputs", .serialized, .oneAtATime)
struct OutputTests {
    /// A pipe that takes nothing more.
    private final class FullPipe {
        let writer: Int32
        private let reader: Int32

        init() throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            (reader, writer) = (ends[0], ends[1])
            _ = fcntl(writer, F_SETFL, O_NONBLOCK)
            let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 4_096)
            while write(writer, bytes, bytes.count) > 0 {}
            _ = fcntl(writer, F_SETFL, 0)
        }

        deinit {
            close(reader)
            close(writer)
        }
    }

    /// Runs a command of the shell, in which `$0` is `lockstep`.
    private func shell(_ script: String, in folder: String) throws -> FinishedProcess {
        try Program.run(["-c", script, try Program.path], executable: "/bin/bash", in: folder)
    }

    @Test("A run whose reader goes away continues to its end", arguments: ["", "--workers 2"])
    func readerGone(workers: String) throws {
        let place = try Workplace(epochs: 40)
        let result = try shell(
            "\"$0\" train tiny.yaml --output run \(workers) | head -n 1; exit ${PIPESTATUS[0]}", in: place.folder.path)
        #expect(result.status == 0, "\(result)")
        #expect(result.output.hasPrefix("Epoch 0:"))
        #expect(try RunSummary(run: place.folder("run")).epochs.count == 40)
        #expect(!result.errors.contains("standard output"))
    }

    @Test("A run whose output is not read trains on, and ends on a signal", arguments: [[], ["--workers", "2"]])
    func unread(workers: [String]) throws {
        let runs = try BrokenRuns()
        let pipe = try FullPipe()
        let process = try RunningProcess(
            ["train", "tiny.yaml", "--kernel", "portable", "--shards", "4", "--output", "run"] + workers,
            in: runs.folder.path, standardOutput: pipe.writer)
        try process.wait(until: "the run has had a hundred epochs") {
            (try? bytes(of: runs.folder("run/metrics.jsonl")).count { $0 == UInt8(ascii: "\n") }) ?? 0 > 100
        }
        process.send(signal: SIGTERM)
        let ending = try process.wait()
        #expect(ending.status == 143, "\(ending)")
        #expect(ending.errors.contains("standard output was not read in time"))
        #expect(process.orphans().isEmpty)
        try runs.expectResumes("run")
    }

    @Test("A run whose output cannot be written trains to its end; the lost lines make its status 74")
    func full() throws {
        let place = try Workplace()
        let result = try shell("exec \"$0\" train tiny.yaml --output run > /dev/full", in: place.folder.path)
        #expect(result.status == 74, "\(result)")
        #expect(
            result.errorLines.last?.hasPrefix("lockstep: standard output: cannot write: No space left on device;")
                == true, "\(result)")
        #expect(try RunSummary(run: place.folder("run")).status == .finished)
    }

    @Test("A run without standard descriptors trains to its end, and its files hold what they should")
    func closed() throws {
        let place = try Workplace()
        let result = try shell("exec \"$0\" train tiny.yaml --output run <&- >&- 2>&-", in: place.folder.path)
        #expect(result.status == 0, "\(result)")
        let directory = RunDirectory(existing: place.folder("run"))
        #expect(try ModelFile.load(directory.model).weightsSHA256 == RunSummary.load(directory).weightsSHA256)
        #expect(try bytes(of: directory.metrics).first == UInt8(ascii: "{"))
    }

    /// Commands whose output is data.
    private static let dataCommands = [
        "train tiny.yaml --print-config", "train tiny.yaml --dry-run", "data", "doctor", "--help", "train --help",
        "evaluate run/model.safetensors --data tiny.yaml", "replay events --verbose",
        "export run/model.safetensors --format npz",
    ]

    @Test("A command whose output is data says when it cannot be written, and ends quietly without a reader")
    func data() throws {
        let place = try Workplace()
        try Program.run(
            ["train", "tiny.yaml", "--workers", "1", "--record-events", "events", "--output", "run"],
            in: place.folder.path)
        let noSpace = "lockstep: standard output: cannot write: No space left on device"
        for command in Self.dataCommands {
            let full = try shell("exec \"$0\" \(command) > /dev/full", in: place.folder.path)
            #expect(full.status == 74 && full.errorLines == [noSpace], "\(full)")
            let unread = try shell("\"$0\" \(command) | sleep 0; exit ${PIPESTATUS[0]}", in: place.folder.path)
            // A short output may be in the pipe before its reader goes.
            #expect(unread.status == 141 || unread.status == 0, "\(unread)")
            #expect(unread.errors.isEmpty, "\(unread)")
        }
        let many = try shell("\"$0\" replay events --verbose | head -n 1; exit ${PIPESTATUS[0]}", in: place.folder.path)
        #expect(many.errors.isEmpty, "\(many)")
    }

    @Test("With a limit on the size of files, a run trains to its end and says what it could not write")
    func fileSizeLimit() throws {
        let place = try Workplace()
        let result = try shell("ulimit -f 1; exec \"$0\" train tiny.yaml --output run", in: place.folder.path)
        #expect(result.status == 74, "\(result)")
        #expect(result.errors.contains("File too large") && result.output.contains("Weights: "), "\(result)")
    }
}
