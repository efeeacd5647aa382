import Foundation
import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// Files where they are not expected: outputs that are no regular files, file systems that lack something, run
/// directories that go or hold no run, data sets that move.
@Suite("Files", .serialized, .oneAtATime)
struct FileTests {
    /// Runs a command of the shell, in which `$0` is `lockstep`.
    private func shell(_ script: String, in folder: String) throws -> FinishedProcess {
        try Program.run(["-c", script, try Program.path], executable: "/bin/bash", in: folder)
    }

    @Test("export and report write into pipes, links and standard output, and replace none of them")
    func outputs() throws {
        let place = try Workplace(epochs: 1)
        try Program.run(["train", "tiny.yaml", "--output", "run"], in: place.folder.path)
        let model = try bytes(of: place.folder("run/model.safetensors"))
        let export = "\"$0\" export run/model.safetensors --format safetensors --output"
        for script in [
            "\(export) - > copy", "\(export) /dev/stdout | cat > copy", "\(export) /dev/fd/3 3> copy > /dev/null",
            "mkfifo pipe; cat pipe > copy & \(export) pipe > /dev/null; wait; test -p pipe",
            "touch there; ln -s there link; \(export) link; test -L link && mv there copy",
            "ln -s /dev/null null; \(export) null && test -c null -a -L null && cp run/model.safetensors copy",
        ] {
            let result = try shell(script, in: place.folder.path)
            #expect(result.status == 0 && result.errors.isEmpty, "\(script) \(result)")
            #expect(try bytes(of: place.folder("copy")) == model, "\(script)")
            #expect(unlink(place.folder("copy")) == 0)
        }
        let page = try shell("\"$0\" report run --output -", in: place.folder.path)
        #expect(page.output.hasPrefix("<!DOCTYPE html>") && page.output.hasSuffix("</html>\n"), "\(page)")
        let full = try shell("\(export) /dev/full", in: place.folder.path)
        #expect(full.status == 74 && full.errorLines.count == 1, "\(full)")
    }

    /// A library that stands before the C library: below the folder in ODD_PATH, the file system lacks what ODD names.
    private static let oddFileSystem = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <unistd.h>
        static int lacks(const char *what, int file) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", file);
            ssize_t count = readlink(link, path, sizeof path - 1);
            const char *odd = getenv("ODD"), *folder = getenv("ODD_PATH");
            if (count < 0 || !odd || !folder || !strstr(odd, what)) return 0;
            path[count] = 0;
            return !strncmp(path, folder, strlen(folder));
        }
        int flock(int file, int operation) {
            if (lacks("locks", file)) { errno = getenv("ODD_CODE") ? atoi(getenv("ODD_CODE")) : ENOLCK; return -1; }
            return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(file, operation);
        }
        int fsync(int file) {
            struct stat status;
            int isFolder = !fstat(file, &status) && S_ISDIR(status.st_mode);
            if (lacks(isFolder ? "folders" : "files", file)) { errno = EINVAL; return -1; }
            return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
        }
        """

    @Test("A file system without locks or without fsync is reported once, and the run continues")
    func oddFileSystem() throws {
        let runs = try BrokenRuns()
        try runs.folder.write(text: Self.oddFileSystem, to: "odd.c")
        let compiled = try Program.run(
            [
                "-c",
                "PATH=$PATH:/opt/swift/usr/bin; for cc in cc gcc clang; do command -v $cc > /dev/null && exec $cc -shared -fPIC -o odd.so odd.c -ldl; done; exit 1",
            ],
            executable: "/bin/bash", in: runs.folder.path)
        try #require(compiled.status == 0, "\(compiled)")
        for (odd, codes, text) in [
            ("locks", [ENOLCK, ENOSYS, EOPNOTSUPP], "this file system has no locks"),
            ("folders", [EINVAL], "this file system does not flush folders"),
            ("files", [EINVAL], "this file system does not flush files"),
        ] {
            for code in codes {
                let process = try RunningProcess(
                    ["train", "tiny.yaml", "--kernel", "portable", "--shards", "4", "--output", "\(odd)-\(code)"],
                    environment: [
                        "LD_PRELOAD": runs.folder("odd.so"), "ODD": odd, "ODD_PATH": runs.folder.path,
                        "ODD_CODE": "\(code)",
                    ], in: runs.folder.path)
                try process.waitForLine(containing: "Epoch 0:")
                process.send(signal: SIGTERM)
                let ending = try process.wait()
                #expect(ending.status == 143, "\(ending)")
                #expect(ending.errorLines.count { $0.contains(text) } == 1, "\(ending)")
                #expect(try runs.newestStep("\(odd)-\(code)") ?? 0 > 0)
            }
        }
    }

    @Test("A run directory that is deleted does not take the model with it")
    func deletedDirectory() throws {
        let runs = try BrokenRuns()
        try FileManager.default.createDirectory(atPath: runs.folder("refuge"), withIntermediateDirectories: false)
        let process = try RunningProcess(
            ["train", "tiny.yaml", "--output", "run"], environment: ["TMPDIR": runs.folder("refuge")],
            in: runs.folder.path)
        try process.waitForLine(containing: "Epoch 0:")
        // In one step, however many checkpoints are being written.
        #expect(rename(runs.folder("run"), runs.folder("gone")) == 0)
        process.send(signal: SIGTERM)
        let ending = try process.wait()
        #expect(ending.status == 73, "\(ending)")
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: runs.folder("refuge")).first)
        let refuge = RunDirectory(existing: runs.folder("refuge/\(name)"))
        let digest = try ModelFile.load(refuge.model).weightsSHA256
        #expect(
            ending.errors.contains("the model is in \(refuge.path) instead; its weights are \(digest)"), "\(ending)")
        #expect(ending.output.contains("Weights: \(digest)"), "\(ending)")
        #expect(try RunSummary.load(refuge).status == .interrupted)
    }

    @Test("A run continues after its data set has moved, and not with another one")
    func movedData() throws {
        let runs = try BrokenRuns()
        let process = try runs.start("run")
        try process.waitForLine(containing: "Epoch 0:")
        process.send(signal: SIGTERM)
        #expect(try process.wait().status == 143)
        try TinyDataset(seed: 2).write(to: runs.folder, under: "other")
        #expect(try runs.run("whole", "--epochs", "\(try runs.epochs(beyond: "run"))").status == 0)
        #expect(rename(runs.folder("data"), runs.folder("moved")) == 0)
        func resume(_ folder: String) throws -> FinishedProcess {
            let keys = [
                "images": "train-images-idx3", "labels": "train-labels-idx1", "test-images": "t10k-images-idx3",
                "test-labels": "t10k-labels-idx1",
            ]
            return try Program.run(
                ["train", "tiny.yaml", "--output", "run", "--resume", "--epochs", "\(try runs.epochs(beyond: "run"))"]
                    + keys.flatMap { ["--set", "data.\($0.key)=\(folder)/\($0.value)-ubyte"] }, in: runs.folder.path)
        }
        let other = try resume("other")
        #expect(other.status == 65 && other.errors.contains("was trained on a data set with the SHA-256"), "\(other)")
        let moved = try resume("moved")
        #expect(moved.status == 0, "\(moved)")
        #expect(try runs.summary("run").weightsSHA256 == runs.summary("whole").weightsSHA256)
    }

    @Test("A start that is aborted leaves no directory, and what one has left does not keep a run from being resumed")
    func abortedStart() throws {
        let place = try Workplace()
        #expect(try Program.run(["train", "tiny.yaml"], in: place.folder.path).status == 0)
        let runs = try FileManager.default.contentsOfDirectory(atPath: place.folder("runs"))
        for output in [[], ["--output", place.folder("given")]] {
            let coordinator = try RunningProcess(
                ["coordinator", "tiny.yaml", "--workers", "1", "--bind", "ipc://\(place.folder("s"))"] + output,
                in: place.folder.path)
            try coordinator.waitForLine(containing: "Waiting for 1 worker")
            coordinator.send(signal: SIGTERM)
            #expect(try coordinator.wait().status == 143)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.folder("runs")) == runs)
        #expect(!FileManager.default.fileExists(atPath: place.folder("given")))
        // A process that was killed leaves its directory.
        try place.folder.write(text: "1\n", to: "runs/tiny-20990101T000000Z/.lock")
        let resumed = try Program.run(["train", "tiny.yaml", "--resume", "--epochs", "3"], in: place.folder.path)
        #expect(resumed.status == 0 && resumed.errors.contains("Resuming runs/\(runs[0]) after step"), "\(resumed)")
        let again = try Program.run(
            ["train", "tiny.yaml", "--output", "runs/tiny-20990101T000000Z"], in: place.folder.path)
        #expect(again.status == 0, "\(again)")
    }
}
