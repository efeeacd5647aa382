import Foundation

/// Worker processes on this host that compute gradients for a network's training.
///
/// They are the program `lockstep`, which must be of the same version as this library; they live as long as the training
/// and die with this process. The weights do not depend on how many there are.
public struct Workers: Sendable {
    /// How many processes.
    public let count: Int
    /// The path of the program `lockstep`.
    public let executable: String

    /// Workers that ``Network/train(on:epochs:batch:learningRate:seed:shards:workers:watch:)`` will start.
    ///
    /// - Parameters:
    ///   - count: How many processes; each computes on one core.
    ///   - executable: The path of the program `lockstep`; nil: the one that the environment variable
    ///     `LOCKSTEP_EXECUTABLE` names, else the one beside this program, else the one on `PATH`.
    /// - Throws: ``LockstepError`` of the kind `workers` if there is no such program.
    public init(_ count: Int, executable: String? = nil) throws(LockstepError) {
        let candidates = executable.map { [$0] } ?? Self.candidates
        guard let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
            throw LockstepError(
                .workers,
                "no program 'lockstep' (looked for \(candidates.joined(separator: ", "))); build it with swift build, "
                    + "and name it in LOCKSTEP_EXECUTABLE")
        }
        self.count = count
        self.executable = found
    }

    /// Where the program may lie, best first.
    private static var candidates: [String] {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["LOCKSTEP_EXECUTABLE"], !named.isEmpty { return [named] }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = program.deletingLastPathComponent().appendingPathComponent("lockstep").path
        let onPath = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/lockstep" }
        return [beside] + onPath
    }
}
