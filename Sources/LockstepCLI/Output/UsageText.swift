import ArgumentParser
import LockstepText

/// Command lines that the argument parser refuses, in the words of the other errors.
enum UsageText {
    /// What the parser found, as one line with the remedy.
    ///
    /// - Parameters:
    ///   - message: The parser's message, without the usage that it adds.
    ///   - arguments: The command line without the program's name.
    /// - Returns: "unknown option '--worker'; did you mean '--workers'?", or with the help to look at.
    static func line(_ message: String, arguments: [String]) -> String {
        let names = LockstepCommand.configuration.subcommands.compactMap { $0.configuration.commandName }
        if let command = arguments.first, !command.hasPrefix("-"), !names.contains(command), command != "help" {
            let remedy = suggestion(for: command, among: names).map { "did you mean '\($0)'?" } ?? "see lockstep --help"
            return "unknown command '\(command.printable)'; \(remedy)"
        }
        let sentences = message.replacing(". Did you mean", with: "; did you mean").split(separator: "\n")
        let text = sentences.map { $0.drop { $0 == " " } }.joined(separator: "; ")
        let line = text.prefix(1).lowercased() + text.dropFirst()
        if line.hasSuffix("?") { return line }
        let command = arguments.first.flatMap { names.contains($0) ? " \($0)" : nil } ?? ""
        return "\(line); see lockstep\(command) --help"
    }

    /// The arguments with `--resume=auto` written as `--resume-auto`: the parser has no option whose value may be left out
    /// without taking the next argument for it.
    static func expandingResume(_ arguments: [String]) -> [String] {
        let options = arguments.prefix { $0 != "--" }
        return options.map { $0 == "--resume=auto" ? "--resume-auto" : $0 } + arguments.dropFirst(options.count)
    }

    /// The arguments with `--option -1` written as `--option=-1`: the parser takes a number below zero for an option, and
    /// would say that the value is missing.
    static func joiningNegativeNumbers(_ arguments: [String]) -> [String] {
        var result: [String] = []
        for argument in arguments {
            let isNegative =
                argument.hasPrefix("-") && argument.utf8.dropFirst().first.map { (0x30...0x39).contains($0) } == true
            if isNegative, let last = result.last, last.hasPrefix("--"), last != "--", !last.contains("="),
                !result.contains("--")
            {
                result[result.count - 1] = "\(last)=\(argument)"
            } else {
                result.append(argument)
            }
        }
        return result
    }
}
