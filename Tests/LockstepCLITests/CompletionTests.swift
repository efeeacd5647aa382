import ArgumentParser
import Foundation
import LockstepTesting
import Testing

@testable import LockstepCLI

/// What bash offers for half a command line, by the script that `lockstep --generate-completion-script bash` prints.
@Suite("Completion in bash", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/bash")))
struct CompletionTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["run.yaml", "best.safetensors", "chart.svg", "digit.png", "page.html"] {
            try folder.write(text: "", to: name)
        }
        try FileManager.default.createDirectory(atPath: folder("runs"), withIntermediateDirectories: false)
        try folder.write(text: LockstepCommand.completionScript(for: .bash), to: "lockstep.bash")
        try folder.write(
            text: """
                source ./lockstep.bash
                COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1))
                COMP_LINE="$*"
                COMP_POINT=${#COMP_LINE}
                _lockstep lockstep "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """, to: "complete.bash")
    }

    /// What is offered for the last word.
    private func offers(_ words: String...) throws -> Set<String> {
        let output = try Program.run(
            ["--norc", "complete.bash", "lockstep"] + words, executable: "/usr/bin/bash", in: folder.path
        ).output
        return Set(output.split(separator: "\n").map(String.init))
    }

    @Test("Commands and options are offered by their beginnings")
    func names() throws {
        #expect(try offers("tr") == ["train"])
        #expect(try offers("re") == ["report", "replay"])
        #expect(try offers("train", "run.yaml", "--res") == ["--resume"])
        #expect(try offers("train", "run.yaml", "--transport", "") == ["auto", "shared", "shared-sockets", "inline"])
        #expect(try offers("export", "best.safetensors", "--format", "o") == ["onnx"])
    }

    @Test("Files are offered of the kind that is asked for, and folders on the way to them")
    func files() throws {
        for command in ["train", "coordinator", "bench", "chaos"] {
            #expect(try offers(command, "r") == ["run.yaml", "runs"], "\(command)")
        }
        for command in ["evaluate", "predict", "export"] {
            #expect(try offers(command, "b") == ["best.safetensors"], "\(command)")
        }
        #expect(try offers("predict", "best.safetensors", "d") == ["digit.png"])
        for command in ["evaluate", "predict"] {
            #expect(try offers(command, "a.safetensors", "--ensemble", "b") == ["best.safetensors"], "\(command)")
        }
        #expect(try offers("bench", "run.yaml", "--chart", "c") == ["chart.svg"])
        #expect(try offers("report", "runs", "--output", "p") == ["page.html"])
        #expect(try offers("replay", "d") == ["digit.png"])
    }

    @Test("Folders alone are offered where a folder is asked for")
    func folders() throws {
        #expect(try offers("train", "run.yaml", "--output", "r") == ["runs"])
        #expect(try offers("coordinator", "run.yaml", "--keys", "r") == ["runs"])
        #expect(try offers("keygen", "r") == ["runs"])
        #expect(try offers("report", "r") == ["runs"])
        #expect(try offers("bench", "run.yaml", "--run", "r") == ["runs"])
    }
}
