import LockstepSharding
import LockstepTimeline

/// The limits that a coordinator's loop keeps in every event. A record that exceeds them is damaged, or was not written
/// by this program.
///
/// The machine relies on the limits, so a replay checks the events of a file.
struct EventLimits {
    /// The most chunks of any network, 16 billion parameters.
    private static let chunks = 1 << 16
    /// More steps than any run has.
    private static let steps: UInt64 = 1 << 40
    /// More nanoseconds than any clock shows: a hundred years.
    private static let nanoseconds: UInt64 = 1 << 62
    private static let versions: UInt64 = .max - 1_024
    /// The possible seconds of a deadline.
    private static let seconds = 0.0...1e9

    private var shards: Int?
    private var nextStep: UInt64 = 0

    /// Describes an impossible part of a run's configuration; nil if there is none.
    static func problem(with configuration: CoordinatorMachine.Configuration, at start: Instant) -> String? {
        guard start.nanoseconds <= nanoseconds else { return "an instant that no clock shows" }
        guard configuration.chunks <= chunks else { return "weights in \(configuration.chunks) chunks" }
        guard seconds.contains(configuration.deadlines.start), seconds.contains(configuration.deadlines.rejoin) else {
            return "deadlines of \(configuration.deadlines.start) s and \(configuration.deadlines.rejoin) s"
        }
        return nil
    }

    /// Describes an impossible part of an event; nil if there is none.
    mutating func problem(
        with event: CoordinatorEvent, at now: Instant, for machine: borrowing CoordinatorMachine
    ) -> String? {
        guard now.nanoseconds <= Self.nanoseconds else { return "an instant that no clock shows" }
        switch event {
        case .beginStep(let step, let tree, _):
            guard step >= nextStep, step <= Self.steps else { return "step \(step) after step \(nextStep)" }
            guard tree.shards == shards ?? tree.shards else { return "\(tree.shards) shards" }
            (nextStep, shards) = (step + 1, tree.shards)
        case .beginNodes(let step, let tree, let nodes, _):
            // Nodes of a step may come in several events.
            guard step + 1 >= nextStep, step <= Self.steps else { return "step \(step) after step \(nextStep)" }
            guard tree.shards == shards ?? tree.shards else { return "\(tree.shards) shards" }
            guard !nodes.isEmpty, tree.areDisjoint(nodes) else { return "nodes that no step has" }
            (nextStep, shards) = (step + 1, tree.shards)
        case .abandoned:
            // Earlier steps may follow.
            nextStep = 0
        case .beginEvaluation(let version, _), .addBlocks(let version, _):
            guard version <= Self.versions else { return "weights \(version)" }
        case .chunkUpdated(let version, let chunk):
            guard version <= Self.versions, chunk < machine.configuration.chunks else {
                return "chunk \(chunk) of weights \(version)"
            }
        case .compared(let item, _), .recomputed(let item, _), .computed(let item):
            guard machine.containsNode(item) else { return "no \(item)" }
        default:
            break
        }
        return nil
    }
}
