import Foundation
import LockstepSystem
import LockstepText
package import LockstepTraining

/// Run configurations as YAML text.
///
/// Overrides win over the file, and the file over the defaults. Relative paths of data files start at the working
/// directory.
package enum ConfigurationFile {
    /// Bytes that a configuration may have.
    package static let maximumSize = 1 << 20

    /// Reads the file at `path`; `overrides` are arguments of `--set`, `key=value`; a later one wins.
    package static func load(
        path: String, overrides: [String] = []
    ) throws(ConfigurationError) -> RunConfiguration {
        try load(path: path, options: parsed(overrides))
    }

    /// Reads the file at `path`; a later option wins.
    package static func load(
        path: String, options: [ConfigurationOverride]
    ) throws(ConfigurationError) -> RunConfiguration {
        let bytes: [UInt8]
        do throws(ArtifactError) {
            bytes = try readFile(path, limit: maximumSize)
        } catch {
            throw unreadable(path, error)
        }
        // Editors on Windows begin UTF-8 with a byte order mark.
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        // Paths in it may be no UTF-8; a text in UTF-16 has zeros, too.
        let text = String(path: content)
        guard !text.hasEscapedBytes || !bytes.contains(0) else {
            throw ConfigurationError(
                kind: .malformed, place: .file(path), reason: "not UTF-8 text", remedy: "save it as UTF-8")
        }
        return try parse(text: text, name: path, options: options)
    }

    /// Reads `text`, which errors call `name`; `overrides` are arguments of `--set`; a later one wins.
    package static func parse(
        text: String, name: String, overrides: [String] = []
    ) throws(ConfigurationError) -> RunConfiguration {
        try parse(text: text, name: name, options: parsed(overrides))
    }

    /// Reads `text`, which errors call `name`; a later option wins.
    package static func parse(
        text: String, name: String, options: [ConfigurationOverride]
    ) throws(ConfigurationError) -> RunConfiguration {
        guard text.utf8.count <= maximumSize else { throw unreadable(name, .tooLarge(path: name, limit: maximumSize)) }
        var root = try ConfigurationNode(yaml: text) { line in
            line > 0 ? .line(file: name, line) : .file(name)
        }
        if root.isNull {
            throw ConfigurationError(
                kind: .malformed, place: .file(name), reason: "the configuration is empty",
                remedy: "start from one of the files in config/")
        }
        for option in options { try root.apply(option) }
        return try ConfigurationReader(root).configuration()
    }

    private static func parsed(_ overrides: [String]) throws(ConfigurationError) -> [ConfigurationOverride] {
        var options: [ConfigurationOverride] = []
        for override in overrides { options.append(try ConfigurationOverride(assignment: override)) }
        return options
    }

    private static func unreadable(_ path: String, _ error: ArtifactError) -> ConfigurationError {
        func failure(_ reason: String, _ remedy: String?) -> ConfigurationError {
            ConfigurationError(kind: .unreadable, place: .file(path), reason: reason, remedy: remedy)
        }
        switch error {
        case .system(_, _, let code) where code == ENOENT || code == ENOTDIR:
            return failure("no such file", configurations(near: path))
        case .notARegularFile:
            return failure("a folder or device, not a file", configurations(near: path + "/"))
        case .tooLarge(_, let limit):
            return ConfigurationError(
                kind: .malformed, place: .file(path), reason: "larger than \(limit) bytes",
                remedy: "give a run configuration")
        default:
            // The place already names the file.
            return failure(String(error.description.dropFirst(error.path.printable.count + 2)), nil)
        }
    }

    /// The remedy for a file that does not exist: a similar name in its folder or in `config/`, else the files there.
    private static func configurations(near path: String) -> String? {
        let (folder, name) = splitPath(path)
        var paths: [String] = []
        for candidate in folder == "config" ? [folder] : [folder, "config"] {
            let names = (try? names(in: candidate)) ?? []
            let prefix = candidate == "." ? "" : candidate == "/" ? "/" : candidate + "/"
            paths += names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }
                .sorted().map { prefix + $0 }
        }
        let stem = stem(name)
        let stems = Dictionary(paths.map { (self.stem(splitPath($0).name), $0) }) { first, _ in first }
        if let near = suggestion(for: stem, among: stems.keys), let path = stems[near] {
            return "did you mean \(path)?"
        }
        return paths.isEmpty ? "check the path" : "there are " + paths.prefix(5).joined(separator: ", ")
    }

    private static func stem(_ name: String) -> String {
        for ending in [".yaml", ".yml"] where name.hasSuffix(ending) { return String(name.dropLast(ending.count)) }
        return name
    }
}
