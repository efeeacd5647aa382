import ArgumentParser
import LockstepRuntime
import ZeroMQ

/// `--keys`.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Encrypt connections over tcp, and admit only peers with the right keys: a folder made by lockstep keygen.",
            valueName: "dir"),
        completion: .directory)
    var keys: String?

    func coordinatorKeys() throws -> CoordinatorKeys? {
        try keys.map { try KeyDirectory(path: $0).coordinatorKeys() }
    }

    func workerSecurity() throws -> ConnectionSecurity {
        try keys.map { try KeyDirectory(path: $0).workerKeys() } ?? .none
    }
}
