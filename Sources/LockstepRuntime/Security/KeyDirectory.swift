import Glibc
import LockstepSystem
package import ZeroMQ

/// A folder of key files, as `lockstep keygen` makes it.
///
/// | file | mode | who needs it |
/// | --- | --- | --- |
/// | `coordinator.secret` | 0600 | the coordinator alone |
/// | `coordinator.public` | 0644 | the coordinator and every worker |
/// | `allowed-workers` | 0644 | the coordinator: the public keys of the workers that it admits, one on each line |
/// | `worker.secret` | 0600 | the workers alone |
/// | `worker.public` | 0644 | the workers |
///
/// Keys are read only from files, so that no command line and no list of processes shows them; from standard input where a
/// launcher starts a worker (``WorkerKeyLine``). A secret may also have the mode 0440 or 0640: Kubernetes and systemd give
/// files to a service by its group.
package struct KeyDirectory: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    private enum Name: String, CaseIterable {
        case coordinatorPublic = "coordinator.public"
        case coordinatorSecret = "coordinator.secret"
        case workerPublic = "worker.public"
        case workerSecret = "worker.secret"
        case allowedWorkers = "allowed-workers"
    }

    private func file(_ name: Name) -> String { "\(path)/\(name.rawValue)" }

    // MARK: - Reading

    /// Reads the coordinator's keys and the public keys of the workers that it admits.
    package func coordinatorKeys() throws -> CoordinatorKeys {
        let keys = try pair(.coordinatorPublic, .coordinatorSecret, owner: .coordinator)
        let allowed = try read(.allowedWorkers, .shown, owner: .coordinator) { bytes throws(KeyText.Fault) in
            try KeyText.allowList(bytes)
        }
        return CoordinatorKeys(keys: keys, allowed: AllowedKeys(allowed))
    }

    /// Reads the worker's keys and the coordinator's public key.
    package func workerKeys() throws -> ConnectionSecurity {
        let keys = try pair(.workerPublic, .workerSecret, owner: .peer)
        let server = try read(.coordinatorPublic, .shown, owner: .peer) { bytes throws(KeyText.Fault) in
            try KeyText.publicKey(bytes)
        }
        return .client(keys, server: server)
    }

    private func pair(_ publicName: Name, _ secretName: Name, owner: KeyError.Owner) throws -> CurveKeyPair {
        let secret = try read(secretName, .secret, owner: owner) { bytes throws(KeyText.Fault) in
            try KeyText.secretKey(bytes)
        }
        let shown = try read(publicName, .shown, owner: owner) { bytes throws(KeyText.Fault) in
            try KeyText.publicKey(bytes)
        }
        guard try secret.publicKey() == shown else { throw KeyError(path: file(secretName), reason: .notAPair) }
        return CurveKeyPair(publicKey: shown, secretKey: secret)
    }

    private func read<Value>(
        _ name: Name, _ trust: KeyFile.Trust, owner: KeyError.Owner,
        _ parse: ([UInt8]) throws(KeyText.Fault) -> Value
    ) throws(KeyError) -> Value {
        let bytes = try KeyFile.read(file(name), trust, owner: owner)
        do throws(KeyText.Fault) {
            return try parse(bytes)
        } catch {
            throw KeyError(path: file(name), reason: KeyError.Reason(error))
        }
    }

    // MARK: - Creating

    /// Creates new keys in this folder, and the folder if it does not exist. Never replaces a file.
    ///
    /// - Returns: The paths of the files.
    /// - Throws: ``KeyError`` or, if libzmq lacks CURVE, `ZeroMQError`. No new file is left then.
    package func generate() throws -> [String] {
        let (coordinator, worker) = (try CurveKeyPair.make(), try CurveKeyPair.make())
        if mkdir(path, 0o700) != 0 {
            guard errno == EEXIST else { throw KeyError(path: path, reason: .system(errno)) }
            FileReplacement.removeLeftovers(in: path)
            for name in Name.allCases where exists(name) { throw KeyError(path: file(name), reason: .exists) }
        }
        var made: [String] = []
        do {
            for (name, mode, text) in contents(coordinator, worker) {
                try KeyFile.create(file(name), mode: mode, text)
                made.append(file(name))
            }
        } catch {
            for path in made { unlink(path) }
            throw error
        }
        return made
    }

    private func exists(_ name: Name) -> Bool {
        var status = stat()
        return lstat(file(name), &status) == 0
    }

    private func contents(_ coordinator: CurveKeyPair, _ worker: CurveKeyPair) -> [(Name, UInt32, String)] {
        [
            (
                .coordinatorSecret, 0o600,
                "# The coordinator's secret key: it never leaves the coordinator's host.\n"
                    + "\(coordinator.secretKey.exportText())\n"
            ),
            (
                .coordinatorPublic, 0o644,
                "# The coordinator's public key: every worker's host needs it.\n\(coordinator.publicKey.text)\n"
            ),
            (
                .workerSecret, 0o600,
                "# A worker's secret key: for workers' hosts alone.\n\(worker.secretKey.exportText())\n"
            ),
            (.workerPublic, 0o644, "# A worker's public key.\n\(worker.publicKey.text)\n"),
            (
                .allowedWorkers, 0o644,
                "# The public keys of the workers that the coordinator admits, one on each line; a comment may follow.\n"
                    + "\(worker.publicKey.text) worker\n"
            ),
        ]
    }
}

/// A coordinator's keys and the public keys of the workers that it admits.
package struct CoordinatorKeys: Sendable {
    package let keys: CurveKeyPair
    package let allowed: AllowedKeys

    package init(keys: CurveKeyPair, allowed: AllowedKeys) {
        self.keys = keys
        self.allowed = allowed
    }
}

extension KeyError.Reason {
    init(_ fault: KeyText.Fault) {
        self =
            switch fault {
            case .notText: .notText
            case .notAKey(let line, let characters): .notAKey(line: line, characters: characters)
            case .keyCount(let count): .keyCount(count)
            case .tooManyKeys: .tooManyKeys(limit: KeyText.maximumKeys)
            }
    }
}
