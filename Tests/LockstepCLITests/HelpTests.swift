import ArgumentParser
import Testing

@testable import LockstepCLI

@Suite("Help texts")
struct HelpTests {
    private static let commands: [any ParsableCommand.Type] =
        [LockstepCommand.self] + LockstepCommand.configuration.subcommands

    private static func help(_ command: any ParsableCommand.Type) -> String {
        LockstepCommand.helpMessage(for: command, columns: 80)
    }

    @Test(
        "No line is longer than 80 columns, and none of the command's own lines is wrapped", arguments: commands.indices
    )
    func width(index: Int) {
        let lines = Self.help(Self.commands[index]).split(separator: "\n").map(String.init)
        for line in lines { #expect(line.count <= 80, "\(line)") }
        let own = Self.commands[index].configuration.discussion.split(separator: "\n").map(String.init)
        for line in own { #expect(lines.contains(line), "\(line)") }
    }

    @Test("Each command has an example, and every example can be pasted", arguments: commands.indices)
    func examples(index: Int) throws {
        let examples = Self.examples(in: Self.commands[index].configuration.discussion)
        #expect(!examples.isEmpty)
        for example in examples {
            let arguments = try #require(
                Self.words(example).first == "lockstep" ? Self.words(example).dropFirst() : nil)
            #expect(throws: Never.self, "\(example)") {
                _ = try LockstepCommand.parseAsRoot(UsageText.expandingResume(Array(arguments)))
            }
        }
    }

    @Test("A default value is said once", arguments: commands.indices)
    func defaults(index: Int) {
        #expect(!Self.help(Self.commands[index]).contains(") (default"))
    }

    /// The indented lines that start with the program's name, with the lines that continue them.
    private static func examples(in discussion: String) -> [String] {
        var examples: [String] = []
        var continues = false
        for line in discussion.split(separator: "\n").map(String.init) {
            let text = line.drop { $0 == " " }
            if continues {
                examples[examples.count - 1] += " " + text.drop { $0 == " " }
            } else if line.hasPrefix("  "), text.hasPrefix("lockstep ") {
                examples.append(String(text))
            } else {
                continue
            }
            continues = text.hasSuffix("\\")
            if continues { examples[examples.count - 1].removeLast() }
        }
        return examples
    }

    /// The words that a shell makes of a line with at most single quotes and a redirection at its end.
    private static func words(_ line: String) -> [String] {
        var words: [String] = []
        let line = line.prefix { $0 != ">" }
        for (index, part) in line.split(separator: "'", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                words.append(String(part))
            } else {
                words += part.split(separator: " ").map(String.init)
            }
        }
        return words
    }
}
