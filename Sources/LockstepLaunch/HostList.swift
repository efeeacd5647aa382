import LockstepText

/// A host on which a launcher starts workers.
package struct HostEntry: Hashable, Sendable {
    /// As ssh knows it: `HOST` or `USER@HOST`.
    package let name: String
    /// Worker processes to start there.
    package var processes: Int

    package init(name: String, processes: Int) {
        self.name = name
        self.processes = processes
    }
}

/// The hosts of `--hosts` and `--hostfile`.
///
/// A list is `HOST[:N],...`, where `n[01-08,10]` stands for n01 to n08 and n10. A file has a host on each line, as Open MPI's:
/// `HOST [slots=N]`, where # begins a comment. A host that occurs twice has the processes of both.
package enum HostList {
    /// The most hosts.
    package static let maximumHosts = 1_024
    /// The most pairs of brackets in a pattern.
    private static let maximumBrackets = 4
    /// The most processes of a host.
    package static let maximumProcesses = 1_024

    /// Why a text names no hosts.
    package struct Fault: Error, Hashable, CustomStringConvertible {
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// Reads a list.
    package static func parse(_ text: String) throws(Fault) -> [HostEntry] {
        var entries: [HostEntry] = []
        for part in try parts(of: text) {
            let (pattern, count) = try split(part)
            for name in try expand(pattern) {
                entries.append(HostEntry(name: try checked(name), processes: count))
                guard entries.count <= maximumHosts else { throw Fault("more than \(maximumHosts) hosts") }
            }
        }
        guard !entries.isEmpty else { throw Fault("no hosts: give HOST[:N],...") }
        return merged(entries)
    }

    /// Reads the text of a file.
    package static func parse(file text: String) throws(Fault) -> [HostEntry] {
        var entries: [HostEntry] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }
            let words = content.split(whereSeparator: \.isWhitespace)
            guard let name = words.first else { continue }
            do throws(Fault) {
                entries.append(
                    HostEntry(name: try checked(String(name)), processes: try processes(words.dropFirst())))
            } catch {
                throw Fault("line \(index + 1): \(error)")
            }
            guard entries.count <= maximumHosts else { throw Fault("more than \(maximumHosts) hosts") }
        }
        guard !entries.isEmpty else { throw Fault("it names no host: give HOST [slots=N] on each line") }
        return merged(entries)
    }

    /// The number in `slots=N`; 1 if there is none. `max-slots` and `max_slots`, which Open MPI has too, have no effect.
    private static func processes(_ words: ArraySlice<Substring>) throws(Fault) -> Int {
        var count = 1
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, ["slots", "max-slots", "max_slots"].contains(parts[0]) else {
                throw Fault("'\(String(word).printable)' is not slots=N")
            }
            let number = try number(parts[1], of: String(word))
            if parts[0] == "slots" { count = number }
        }
        return count
    }

    private static func number(_ text: Substring, of word: String) throws(Fault) -> Int {
        guard let count = Int(text), (1...maximumProcesses).contains(count) else {
            throw Fault("'\(word.printable)': give 1 to \(maximumProcesses) processes")
        }
        return count
    }

    /// The parts between those commas that are not in brackets.
    private static func parts(of text: String) throws(Fault) -> [Substring] {
        var (parts, start, depth) = ([Substring](), text.startIndex, 0)
        for index in text.indices {
            switch text[index] {
            case "[": depth += 1
            case "]": depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
            guard (0...1).contains(depth) else { throw Fault("'\(text.printable)': brackets do not match") }
        }
        guard depth == 0 else { throw Fault("'\(text.printable)': a bracket is not closed") }
        parts.append(text[start...])
        guard !parts.contains(where: \.isEmpty) else { throw Fault("'\(text.printable)': a host has no name") }
        return parts
    }

    /// A pattern and the number after its colon.
    private static func split(_ part: Substring) throws(Fault) -> (pattern: Substring, count: Int) {
        guard let colon = part.lastIndex(of: ":") else { return (part, 1) }
        return (part[..<colon], try number(part[part.index(after: colon)...], of: String(part)))
    }

    /// The names that a pattern stands for. The last pair of brackets counts fastest, as in Slurm.
    private static func expand(_ pattern: Substring) throws(Fault) -> [String] {
        guard let open = pattern.firstIndex(of: "["), let close = pattern.firstIndex(of: "]"), open < close else {
            return [String(pattern)]
        }
        guard pattern.count(where: { $0 == "[" }) <= maximumBrackets else {
            throw Fault("'\(String(pattern).printable)': more than \(maximumBrackets) pairs of brackets")
        }
        let before = pattern[..<open]
        let rests = try expand(pattern[pattern.index(after: close)...])
        var names: [String] = []
        let inside = pattern[pattern.index(after: open)..<close]
        for range in inside.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = range.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = ends.first, let last = ends.last, let low = Int(first), let high = Int(last),
                low >= 0, low <= high, high - low < maximumHosts,
                ends.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } })
            else {
                throw Fault("'\(String(pattern).printable)': '\(String(range).printable)' is no range such as 01-08")
            }
            for number in low...high {
                let digits = String(number)
                // A zero at the front says how many digits all have.
                let width = first.hasPrefix("0") ? first.count : 0
                let name = before + String(repeating: "0", count: max(0, width - digits.count)) + digits
                names += rests.map { name + $0 }
                guard names.count <= maximumHosts else { throw Fault("more than \(maximumHosts) hosts") }
            }
        }
        return names
    }

    /// A name that is passed to ssh: never an option of ssh, and never more than one word.
    private static func checked(_ name: String) throws(Fault) -> String {
        let isAllowed = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || "-._@".utf8.contains(byte)
        }
        guard isAllowed, (1...255).contains(name.utf8.count), !name.hasPrefix("-"), !name.hasPrefix("@") else {
            throw Fault(
                "'\(name.printable)' is no host name; what ssh needs to know besides belongs into ~/.ssh/config")
        }
        return name
    }

    private static func merged(_ entries: [HostEntry]) -> [HostEntry] {
        var result: [HostEntry] = []
        for entry in entries {
            if let index = result.firstIndex(where: { $0.name == entry.name }) {
                result[index].processes += entry.processes
            } else {
                result.append(entry)
            }
        }
        return result
    }
}
