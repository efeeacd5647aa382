/// The version of a process's program, as a hello states it: `0.1.0`, or `0.1.0+` and the SHA-256 of the executable.
struct ProgramVersion {
    private let version: Substring
    /// In hexadecimal; nil: the process is no program with models of its own.
    private let executable: Substring?

    init(_ text: String) {
        let parts = text.split(separator: "+", maxSplits: 1)
        version = parts.first ?? ""
        executable = parts.count > 1 ? parts[1] : nil
    }

    /// Why the coordinator of this version refuses a worker; nil: it does not.
    ///
    /// The coordinator of a network of layers states no executable and admits any program of its version.
    func reasonAgainst(_ worker: ProgramVersion) -> String? {
        guard worker.version == version else {
            return
                "the worker runs lockstep \(worker.version), the coordinator \(version); a run's weights depend on it: "
                + "install the same version"
        }
        guard let executable, worker.executable != executable else { return nil }
        let found = worker.executable.map { "has \(Self.beginning(of: $0))" } ?? "is lockstep"
        return
            "the run's model is in an executable with the SHA-256 \(Self.beginning(of: executable)), and the worker's "
            + "\(found); start the same executable as a worker"
    }

    /// Enough digits to compare by eye.
    private static func beginning(of digest: Substring) -> String { "\(digest.prefix(16))..." }
}
