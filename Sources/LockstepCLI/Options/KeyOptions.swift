import ArgumentParser
import Glibc
import LockstepRuntime
import LockstepSystem
import LockstepText
import ZeroMQ

/// `--keys`.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Encrypt connections over tcp, and admit only peers with the right keys: a folder made by lockstep keygen; a "
                + "worker takes - for a line on standard input. (default: the folder in LOCKSTEP_KEYS)",
            valueName: "dir"),
        completion: .directory)
    var keys: String?

    /// The environment variable that names the folder.
    static let variable = "LOCKSTEP_KEYS"
    /// In place of a folder: the keys come on standard input.
    private static let standardInput = "-"

    /// The folder of keys; nil: none.
    var folder: String? {
        if let keys { return keys }
        guard let value = getenv(Self.variable), value.pointee != 0 else { return nil }
        return String(path: value)
    }

    /// Whether the keys come on standard input, whose end then ends the worker.
    var areOnStandardInput: Bool { keys == Self.standardInput }

    func coordinatorKeys() throws -> CoordinatorKeys? {
        try checkedFolder().map { try KeyDirectory(path: $0).coordinatorKeys() }
    }

    /// The keys of a worker, or of a command that asks a coordinator.
    func workerSecurity() throws -> ConnectionSecurity {
        try checkedFolder().map { try KeyDirectory(path: $0).workerKeys() } ?? .none
    }

    private func checkedFolder() throws -> String? {
        guard !areOnStandardInput else {
            throw CommandError(.usage, "--keys - is for lockstep worker: name a folder here")
        }
        return folder
    }
}
