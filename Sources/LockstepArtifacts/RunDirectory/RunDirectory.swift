package import Foundation
import LockstepSystem

/// The folder of a run, and the names of the files in it.
package struct RunDirectory: Hashable, Sendable {
    /// Relative to the current folder, as it is shown to the user, or absolute.
    package let path: String

    /// The folder of runs for which no folder is given.
    package static let parent = "runs"

    /// The folder at `path`, which exists.
    package init(existing path: String) {
        self.path = path
    }

    /// The resolved configuration.
    package var configuration: String { file("config.yaml") }
    /// Whether a run was started there.
    package var hasConfiguration: Bool { access(configuration, F_OK) == 0 }
    /// The final weights.
    package var model: String { file("model.safetensors") }
    /// The weights of the epoch with the highest validation count.
    package var bestModel: String { file("best.safetensors") }
    /// A line of JSON for each progress report and each epoch.
    package var metrics: String { file("metrics.jsonl") }
    package var summary: String { file("summary.json") }
    /// Whether a run has ended there.
    package var hasSummary: Bool { access(summary, F_OK) == 0 }
    /// The result of a bench of this run, if there is one.
    package var bench: String { file("bench.json") }
    /// The timeline of some steps.
    package var trace: String { file("trace.json") }
    /// The last protocol events before the coordinator failed.
    package var coordinatorEvents: String { file(Self.eventsName) }
    private static let eventsName = "coordinator.events"
    /// Where the coordinator listens, while workers may join.
    package var endpoint: String { file(Self.endpointName) }
    private static let endpointName = "endpoint"
    /// The last few states of the run.
    package var checkpoints: CheckpointFolder { CheckpointFolder(path: file("checkpoints")) }
    /// Locked while a process uses the directory.
    var lock: String { file(Self.lockName) }
    private static let lockName = ".lock"

    /// The log of the worker with this index.
    package func workerLog(_ index: Int) -> String { file("worker-\(index).log") }

    func file(_ name: String) -> String {
        path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }
}

extension RunDirectory {
    /// Creates the folder of a new run, before any work starts.
    ///
    /// - Parameters:
    ///   - output: The run directory itself, absent or empty; missing parents are created. Nil: `runs/NAME-TIMESTAMP`, with
    ///     the suffix `-2`, `-3` ... if runs start in the same second.
    ///   - name: The run's name; characters that a path should not have become hyphens.
    ///   - time: The time of the timestamp.
    ///   - parent: The folder of runs for which no folder is given.
    /// - Returns: The directory, empty and writable.
    /// - Throws: ``ArtifactError`` if `output` is not empty or not a folder, or is not writable.
    package static func create(
        output: String?, name: String, time: Date = Date(), parent: String = parent
    ) throws(ArtifactError) -> RunDirectory {
        let directory: RunDirectory
        if let output {
            try makeFolder(output)
            guard try isEmpty(output) else { throw .notEmpty(path: output) }
            directory = RunDirectory(existing: output)
            // A start that has failed there explains no failure of this run.
            unlink(directory.coordinatorEvents)
        } else {
            try makeFolder(parent)
            let stem = "\(parent)/\(pathComponent(for: name))-\(timestamp(time))"
            directory = try makeNewFolder(stem)
        }
        try directory.checkWritable()
        return directory
    }

    /// The newest run called `name` in `parent`. A folder that an aborted start has left holds no run.
    package static func newest(named name: String, parent: String = parent) -> RunDirectory? {
        let prefix = pathComponent(for: name) + "-"
        let names = (try? LockstepSystem.names(in: parent)) ?? []
        let runs = names.compactMap { candidate -> (stamp: Substring, number: Int, name: String)? in
            guard candidate.hasPrefix(prefix) else { return nil }
            // mnist-30-… is not a run called mnist: a timestamp and perhaps a number must follow the name.
            let parts = candidate.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
            guard let stamp = parts.first, isTimestamp(stamp), parts.count <= 2 else { return nil }
            guard let number = parts.count == 2 ? Int(parts[1]) : 1 else { return nil }
            return (stamp, number, candidate)
        }
        return runs.sorted { ($0.stamp, $0.number) > ($1.stamp, $1.number) }.lazy
            .map { RunDirectory(existing: "\(parent)/\($0.name)") }.first(where: \.hasConfiguration)
    }
}

// MARK: - Names

extension RunDirectory {
    /// `name` reduced to letters, digits, dots, hyphens and underscores; never hidden, empty or long.
    package static func pathComponent(for name: String) -> String {
        let maximumBytes = 100
        var result = ""
        for character in name {
            let fits = character.isLetter || character.isNumber || "._-".contains(character)
            let next = fits ? character : "-"
            if next == "-", result.last == "-" { continue }
            guard result.utf8.count + next.utf8.count <= maximumBytes else { break }
            result.append(next)
        }
        let trimmed = result.drop { $0 == "." || $0 == "-" }
        let end = trimmed.lastIndex { $0 != "-" }.map { trimmed.index(after: $0) } ?? trimmed.startIndex
        let component = String(trimmed[..<end])
        return component.isEmpty ? "run" : component
    }

    /// `20250131T235959Z`, in UTC: names sort by time.
    static func timestamp(_ time: Date) -> String {
        var seconds = time_t(time.timeIntervalSince1970.rounded(.down))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int32, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let day = padded(parts.tm_year + 1900, 4) + padded(parts.tm_mon + 1, 2) + padded(parts.tm_mday, 2)
        return day + "T" + padded(parts.tm_hour, 2) + padded(parts.tm_min, 2) + padded(parts.tm_sec, 2) + "Z"
    }

    private static func isTimestamp(_ text: Substring) -> Bool {
        let form = Array("00000000T000000Z".utf8)
        return text.utf8.count == form.count
            && zip(text.utf8, form).allSatisfy { byte, expected in
                expected == UInt8(ascii: "0") ? (0x30...0x39).contains(byte) : byte == expected
            }
    }
}

// MARK: - The file system

extension RunDirectory {
    /// Creates the folder at `path` and its missing parents.
    private static func makeFolder(_ path: String) throws(ArtifactError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw .system(.makeFolder, path: path, code: ENOENT)
        }
        if mkdir(path, 0o777) == 0 { return }
        var code = errno
        if code == ENOENT {
            let above = splitPath(path.hasSuffix("/") ? String(path.dropLast()) : path).folder
            guard above != path else { throw .system(.makeFolder, path: path, code: code) }
            try makeFolder(above)
            if mkdir(path, 0o777) == 0 { return }
            code = errno
        }
        guard code == EEXIST else { throw .system(.makeFolder, path: path, code: code) }
        var status = stat()
        guard fileStatus(path, &status) == 0 else { throw .system(.readFolder, path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
    }

    /// Creates a folder for what a run's own directory cannot take.
    static func makeFallback(in parent: String, name: String) throws(ArtifactError) -> RunDirectory {
        guard let path = makeUniqueFolder("\(parent)/lockstep-\(pathComponent(for: name))-") else {
            throw .system(.makeFolder, path: parent, code: errno)
        }
        return RunDirectory(existing: path)
    }

    /// Creates a folder that did not exist, with a number after the name if necessary.
    private static func makeNewFolder(_ stem: String) throws(ArtifactError) -> RunDirectory {
        for number in 1...1000 {
            let path = number == 1 ? stem : "\(stem)-\(number)"
            if mkdir(path, 0o777) == 0 { return RunDirectory(existing: path) }
            guard errno == EEXIST else { throw .system(.makeFolder, path: path, code: errno) }
        }
        throw .system(.makeFolder, path: stem, code: EEXIST)
    }

    /// Whether a folder holds nothing, or only what a start that was aborted has left.
    private static func isEmpty(_ path: String) throws(ArtifactError) -> Bool {
        do throws(SystemError) {
            return try names(in: path).allSatisfy(isLeftover)
        } catch {
            throw .system(.readFolder, path: path, code: error.code)
        }
    }

    /// Whether a file's name is one that a process writes before its run begins: the lock, the coordinator's endpoints, its last
    /// events if the start has failed, the log of a worker.
    private static func isLeftover(_ name: String) -> Bool {
        [lockName, endpointName, eventsName].contains(name) || (name.hasPrefix("worker-") && name.hasSuffix(".log"))
    }

    /// Removes what a start that was aborted has left, if no run has begun here.
    ///
    /// - Parameters:
    ///   - withLogs: Whether the logs of workers go too; they may say why the start failed.
    ///   - withFolder: Whether the folder goes too, if it is empty then.
    package func removeLeftovers(withLogs: Bool, withFolder: Bool) {
        guard !hasConfiguration, let names = try? names(in: path), names.allSatisfy(Self.isLeftover) else { return }
        for name in names where withLogs || [Self.lockName, Self.endpointName].contains(name) { unlink(file(name)) }
        if withFolder { rmdir(path) }
    }

    /// Writes an empty file and removes it: permissions are not enough, because a file system may be full or read-only.
    private func checkWritable() throws(ArtifactError) {
        let probe = file(".write-test")
        do throws(ArtifactError) {
            _ = try ArtifactFile(path: probe, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
        } catch {
            guard case .system(_, _, let code) = error else { throw error }
            throw .system(.writeFolder, path: path, code: code)
        }
        unlink(probe)
    }
}

extension RunDirectory {
    /// The run on one page.
    package var report: String { file("report.html") }

    /// A TensorBoard file that a process began so many seconds after 1970, numbered from 0.
    func events(second: Int, host: String, number: Int = 0) -> String {
        file(
            "events.out.tfevents.\(second).\(RunDirectory.pathComponent(for: host))" + (number == 0 ? "" : ".\(number)")
        )
    }
}
