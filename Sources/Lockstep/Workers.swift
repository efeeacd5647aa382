import Foundation

/// Worker processes on this host that compute gradients for a network's training.
///
/// Each worker runs the program `lockstep`, which must have this library's version. Workers live as long as the training
/// and end with this process. The weights do not depend on the number of workers.
public struct Workers: Sendable {
    /// The number of processes.
    public let count: Int
    /// The path of the program `lockstep`.
    public let executable: String

    /// Names the workers that ``Network/train(on:epochs:batch:learningRate:seed:shards:workers:watch:)`` starts.
    ///
    /// - Parameters:
    ///   - count: The number of processes; each computes on one core.
    ///   - executable: The path of the program `lockstep`; nil: the path in the environment variable
    ///     `LOCKSTEP_EXECUTABLE`, else the program in this program's folder, else in a folder of `PATH`.
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

    /// Paths of the program to try, in this order.
    private static var candidates: [String] {
        let environment = ProcessInfo.processInfo.environment
        if let named = environment["LOCKSTEP_EXECUTABLE"], !named.isEmpty { return [named] }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let beside = program.deletingLastPathComponent().appendingPathComponent("lockstep").path
        let onPath = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/lockstep" }
        return [beside] + onPath
    }
}
