import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// 2025-01-31 23:59:59 UTC.
private let instant = Date(timeIntervalSince1970: 1_738_367_999)

struct RunDirectoryTests {
    @Test("A run without an output folder gets one named after the run and the time")
    func defaultPlace() throws {
        let folder = try TemporaryFolder()
        let parent = folder("runs")
        let first = try RunDirectory.create(output: nil, name: "mnist-30", time: instant, parent: parent)
        #expect(first.path == "\(parent)/mnist-30-20250131T235959Z")
        let second = try RunDirectory.create(output: nil, name: "mnist-30", time: instant, parent: parent)
        #expect(second.path == "\(parent)/mnist-30-20250131T235959Z-2")
        let third = try RunDirectory.create(output: nil, name: "mnist-30", time: instant, parent: parent)
        #expect(third.path == "\(parent)/mnist-30-20250131T235959Z-3")
        #expect(try FileManager.default.contentsOfDirectory(atPath: first.path).isEmpty)
    }

    @Test("Runs that start in the same second get different folders")
    func race() async throws {
        let folder = try TemporaryFolder()
        let parent = folder("a/b/runs")
        let paths = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<32 {
                group.addTask { try RunDirectory.create(output: nil, name: "x", time: instant, parent: parent).path }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(paths.count == 32)
    }

    @Test("An output folder is created with its parents, and may exist if it is empty")
    func output() throws {
        let folder = try TemporaryFolder()
        let path = folder("a/b/c")
        #expect(try RunDirectory.create(output: path, name: "x").path == path)
        let again = try RunDirectory.create(output: path + "/", name: "x")
        #expect(again.model == "\(path)/model.safetensors")
        #expect(again.workerLog(3) == "\(path)/worker-3.log")
        _ = try folder.write([], to: "a/b/c/.hidden")
        #expect(
            message { try RunDirectory.create(output: path, name: "x") }
                == "\(path): the run directory is not empty; give --output a new or empty folder, or resume the run "
                + "with --resume")
    }

    @Test("An obstacle is named")
    func obstacles() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write([1], to: "file")
        func error(_ output: String) -> String { message { try RunDirectory.create(output: output, name: "x") } }
        #expect(error(file) == "\(file): not a folder; move it away or give --output another path")
        #expect(error("\(file)/run") == "\(file)/run: cannot make the folder: Not a directory; check the path")
        #expect(error("") == "'': cannot make the folder: No such file or directory; check the path")
        #expect(error("a\0b") == #"a\0b: cannot make the folder: No such file or directory; check the path"#)
        #expect(error("/proc/self/fd").hasPrefix("/proc/self/fd: "))
        #expect(error("/proc/lockstep").hasPrefix("/proc/lockstep: cannot make the folder: "))
        #expect(
            message { try RunDirectory.create(output: nil, name: "x", parent: file) }
                == "\(file): not a folder; move it away or give --output another path")
        let loop = folder("loop")
        #expect(symlink(loop, loop) == 0)
        #expect(error(loop) == "\(loop): cannot read the folder: Too many levels of symbolic links")
    }

    @Test(
        "A folder without write permission is refused before any work",
        .enabled(if: getuid() != 0, "root may write anywhere"))
    func permissions() throws {
        let folder = try TemporaryFolder()
        let path = folder("locked")
        #expect(mkdir(path, 0o500) == 0)
        #expect(
            message { try RunDirectory.create(output: path, name: "x") }
                == "\(path): cannot write into the folder: Permission denied; "
                + "check the permissions or choose another path")
        #expect(
            message { try RunDirectory.create(output: "\(path)/run", name: "x") }
                == "\(path)/run: cannot make the folder: Permission denied; "
                + "check the permissions or choose another path")
    }

    @Test(
        "A run's name becomes one component of a path",
        arguments: [
            ("mnist-30", "mnist-30"), ("../../etc/passwd", "etc-passwd"), (".hidden", "hidden"),
            ("a/b c\\d:e", "a-b-c-d-e"),
            ("", "run"), ("...", "run"), ("-", "run"), ("Größe 2", "Größe-2"), ("a\nb\0c", "a-b-c"), ("x--", "x"),
            (String(repeating: "ä", count: 200), String(repeating: "ä", count: 50)),
        ])
    func names(name: String, expected: String) {
        #expect(RunDirectory.pathComponent(for: name) == expected)
    }

    @Test("What an aborted start has left does not keep a run from its folder, and can be removed")
    func traces() throws {
        let folder = try TemporaryFolder()
        for name in [".lock", "worker-0.log"] { try folder.write(text: "", to: "run/\(name)") }
        let directory = try RunDirectory.create(output: folder("run"), name: "x")
        directory.removeLeftovers(withLogs: false, withFolder: true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("run")) == ["worker-0.log"])
        directory.removeLeftovers(withLogs: true, withFolder: false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("run")).isEmpty)
        // Nothing is removed where a run has begun, or where a file is not ours.
        for name in ["config.yaml", "thesis.txt"] {
            for name in [name, ".lock"] { try folder.write(text: "", to: "run/\(name)") }
            directory.removeLeftovers(withLogs: true, withFolder: true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder("run")).sorted() == [".lock", name])
            #expect(unlink(folder("run/\(name)")) == 0)
        }
        directory.removeLeftovers(withLogs: true, withFolder: true)
        #expect(try folder.names().isEmpty)
    }

    @Test("The newest run has the latest timestamp, then the highest number, and exactly this name")
    func newest() throws {
        let folder = try TemporaryFolder()
        #expect(RunDirectory.newest(named: "mnist", parent: folder("none")) == nil)
        #expect(RunDirectory.newest(named: "mnist", parent: folder.path) == nil)
        let repeated = (2...10).map { "mnist-20250131T235959Z-\($0)" }
        for name in repeated + [
            "mnist-20250131T235959Z",
            "mnist-20241231T235959Z-99", "mnist-30-20260101T000000Z", "mnist-20990101T000000Z-x", "mnist-2099",
            "mnist-20990101T000000Z-1-2", "mnist-20990101T00000xZ", "other-20990101T000000Z",
        ] {
            try folder.write(text: "", to: "\(name)/config.yaml")
        }
        // An aborted start has left this one.
        try folder.write(text: "1", to: "mnist-20980101T000000Z/.lock")
        #expect(RunDirectory.newest(named: "mnist", parent: folder.path)?.path == folder("mnist-20250131T235959Z-10"))
        #expect(
            RunDirectory.newest(named: "mnist-30", parent: folder.path)?.path == folder("mnist-30-20260101T000000Z"))
    }
}
