import LockstepArtifacts
import LockstepNumerics

/// The runs of a sweep: every combination of the values, or some at random.
package struct SweepPlan: Hashable, Sendable {
    /// One run.
    package struct Entry: Hashable, Sendable {
        /// The run's folder within the sweep's.
        package let name: String
        /// The values of the keys that vary, for people: `learning-rate 0.5, seed 1`.
        package let label: String
        /// The arguments of `--set`, those that are the same in all runs first.
        package let assignments: [String]
    }

    package let entries: [Entry]

    /// The most runs of a sweep.
    package static let limit = 10_000

    /// Plans the runs.
    ///
    /// - Parameters:
    ///   - parameters: The keys and their values; a key with one value has it in every run.
    ///   - random: Runs to draw from all combinations, without repetition; nil: all combinations.
    ///   - seed: Decides what is drawn.
    /// - Throws: `SweepParameter.Failure` if a key is named twice, or there are too many runs, or none.
    package init(_ parameters: [SweepParameter], random: Int?, seed: UInt64 = 1) throws(SweepParameter.Failure) {
        let keys = parameters.map(\.key)
        if let twice = keys.first(where: { key in keys.count { $0 == key } > 1 }) {
            throw SweepParameter.Failure(
                description: "--set \(twice): named twice; separate its values by commas: --set \(twice)=1,2")
        }
        let chosen = try Self.combinations(parameters, random: random, seed: seed)
        let varying = parameters.indices.filter { parameters[$0].count != 1 }
        let short = RunComparison.shortNames(of: varying.map { keys[$0] })
        let labels = chosen.map { values in
            zip(varying, short).map { "\($1) \(values[$0])" }.joined(separator: ", ")
        }
        let names = Self.names(labels)
        entries = chosen.indices.map { run in
            Entry(
                name: names[run], label: labels[run],
                assignments: parameters.indices.sorted { Self.isFixed(parameters[$0]) && !Self.isFixed(parameters[$1]) }
                    .map { "\(keys[$0])=\(chosen[run][$0])" })
        }
    }

    private static func isFixed(_ parameter: SweepParameter) -> Bool { parameter.count == 1 }

    /// The values of each run, in the order of the parameters.
    private static func combinations(
        _ parameters: [SweepParameter], random: Int?, seed: UInt64
    ) throws(SweepParameter.Failure) -> [[String]] {
        let count = parameters.reduce(1) { product, parameter in
            parameter.count.map { min(limit + 1, product * $0) } ?? limit + 1
        }
        if let random {
            guard (1...limit).contains(random) else {
                throw SweepParameter.Failure(description: "--random \(random): give 1 to \(limit) runs")
            }
            return draw(min(random, count), parameters, seed)
        }
        if let interval = parameters.first(where: { $0.count == nil }) {
            throw SweepParameter.Failure(
                description:
                    "--set \(interval.key): all numbers between two are too many; give --random N, or name them")
        }
        guard count <= limit else {
            throw SweepParameter.Failure(
                description: "more than \(limit) combinations; give fewer values, or --random N")
        }
        var result: [[String]] = [[]]
        for parameter in parameters {
            guard case .list(let values) = parameter.values else { continue }
            result = result.flatMap { start in values.map { start + [$0] } }
        }
        return result
    }

    /// Combinations at random, without repetition, in the order in which they are drawn.
    private static func draw(_ count: Int, _ parameters: [SweepParameter], _ seed: UInt64) -> [[String]] {
        let generator = Philox(seed: seed)
        var (result, seen) = ([[String]](), Set<[String]>())
        // What has been drawn is drawn again: the last of n combinations takes n attempts in the mean.
        for attempt in 0..<UInt32(clamping: 1_000 * count) where result.count < count {
            let values = parameters.indices.map { index in
                parameters[index].value(
                    at: generator.uniform(
                        at: RandomPosition(.sweep, sample: attempt, draw: UInt32(truncatingIfNeeded: index))))
            }
            if seen.insert(values).inserted { result.append(values) }
        }
        return result
    }

    /// A folder's name for each label; where two would have the same, a digest of the label tells them apart.
    private static func names(_ labels: [String]) -> [String] {
        let plain = labels.map { $0.isEmpty ? "run" : RunDirectory.pathComponent(for: $0) }
        let counts = Dictionary(plain.map { ($0, 1) }, uniquingKeysWith: +)
        return plain.indices.map { index in
            counts[plain[index]] == 1 ? plain[index] : "\(plain[index])-\(index)"
        }
    }
}
