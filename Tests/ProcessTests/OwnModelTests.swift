import Foundation
import LockstepTesting
import Testing

/// Programs with models of their own, whose workers are the programs themselves.
@Suite("A model of one's own", .serialized)
struct OwnModelTests {
    private static func path(_ name: String) throws -> String {
        try Program.path.replacingOccurrences(of: "/lockstep", with: "/" + name, options: .backwards)
    }

    private func run(
        _ name: String, _ arguments: [String], environment: [String: String?] = [:]
    ) throws -> FinishedProcess {
        try Program.run(arguments, executable: Self.path(name), environment: environment)
    }

    private func weights(_ result: FinishedProcess) throws -> Substring {
        try #require(result.status == 0, "\(result)")
        return try #require(result.output.split(separator: "\n").last { $0.hasPrefix("weights ") }, "\(result)")
    }

    @Test("A recurrent cell written by hand learns, and ends with the same weights on 1, 2 and 3 workers")
    func recurrentCell() throws {
        let alone = try run("OwnModel", ["0", "3"])
        let expected = try weights(alone)
        let score = try #require(alone.output.firstMatch(of: #/(\d+) / 100 of the test waves/#)?.output.1)
        #expect(Int(score).map { $0 >= 90 } == true, "\(alone)")
        for workers in 1...3 {
            #expect(try weights(run("OwnModel", ["\(workers)", "3"])) == expected, "\(workers) workers")
        }
    }

    @Test("A run of a program's own model survives the death of a worker")
    func lostWorker() throws {
        let expected = try weights(run("ModelProgram", ["train", "0"]))
        let result = try run("ModelProgram", ["train", "2"], environment: ["LOCKSTEP_FAULT": "fail@5#1"])
        #expect(try weights(result) == expected)
        #expect(result.output.contains("notice: worker"), "\(result)")
    }

    @Test("An error that the model throws names the worker, the step and the shard, and ends the run")
    func throwing() throws {
        let alone = try run("ModelProgram", ["train", "0", "17"])
        #expect(alone.status == 1)
        let place = #/in shard (\d) of 3, step (\d+): sample 17 is not to be trained on/#
        let expected = try #require(alone.output.firstMatch(of: place), "\(alone)")
        let result = try run("ModelProgram", ["train", "2", "17"])
        #expect(result.status == 1)
        #expect(result.output.firstMatch(of: place)?.output.0 == expected.output.0, "\(result)")
        #expect(
            result.output.contains(#/worker \d+ \(.*, pid \d+\)( has left)?: the model has thrown an error/#),
            "\(result)")
    }

    @Test("A worker of another executable is refused, and one of the same is admitted")
    func otherExecutable() throws {
        let folder = try TemporaryFolder()
        let endpoint = "ipc://" + folder("run")
        let coordinator = try RunningProcess(
            ["coordinate", endpoint], executable: Self.path("ModelProgram"), in: folder.path)
        _ = try coordinator.waitForLine(containing: "listening")
        let other = folder("other")
        try FileManager.default.copyItem(atPath: Self.path("ModelProgram"), toPath: other)
        let file = try #require(FileHandle(forWritingAtPath: other))
        try file.seekToEnd()
        try file.write(contentsOf: Data([0]))
        try file.close()
        let refused = try Program.run(["lockstep-worker", "--connect", endpoint], executable: other, in: folder.path)
        #expect(refused.status == 69)
        #expect(refused.errors.contains("start the same executable as a worker"), "\(refused)")
        let command = try Program.run(["worker", "--connect", endpoint], in: folder.path)
        #expect(command.errors.contains("and the worker's is lockstep"), "\(command)")

        let worker = try run("ModelProgram", ["lockstep-worker", "--connect", endpoint])
        #expect(worker.status == 0, "\(worker)")
        #expect(try weights(coordinator.wait()) == weights(run("ModelProgram", ["train", "0"])))
    }
}
