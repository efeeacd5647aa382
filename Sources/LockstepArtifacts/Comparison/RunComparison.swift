import Glibc
import LockstepConfiguration
import LockstepSystem
import LockstepText
import LockstepTraining

/// Several runs beside each other: the keys in which they differ, and what they came to.
package struct RunComparison {
    /// One of the runs.
    package struct Run: Sendable {
        package let directory: RunDirectory
        package let summary: RunSummary
        /// The values of the configuration by their paths; nil for a directory without a `config.yaml` that can be read.
        let values: [String: String]?

        /// - Parameter directory: The directory of a run that has ended.
        /// - Throws: ``ArtifactError`` if it has no summary that can be read.
        package init(_ directory: RunDirectory) throws(ArtifactError) {
            self.directory = directory
            summary = try RunSummary.load(directory)
            let configuration = try? ConfigurationFile.load(path: directory.configuration)
            values = configuration.map { configuration in
                Dictionary(configuration.values.map { ($0.path, $0.value.flowText) }) { first, _ in first }
            }
        }

        /// The last component of the directory's path.
        package var name: String {
            var path = directory.path
            while path.count > 1, path.hasSuffix("/") { path.removeLast() }
            return splitPath(path).name
        }
    }

    package let runs: [Run]
    /// The paths of the keys whose values differ, in the order of the configuration, the seed last.
    package let keys: [String]
    /// Texts that tell the runs apart, for the legend of a chart.
    package let labels: [String]

    /// - Parameter runs: The runs, in the order in which they are shown.
    package init(_ runs: [Run]) {
        self.runs = runs
        keys = Self.differingKeys(runs)
        labels = Self.labels(runs, keys)
    }

    /// The path of the seed, over which runs with equal settings are averaged.
    static let seed = "training.seed"

    /// Keys whose values differ and matter to the result. The run's name is one of them where no other key differs.
    private static func differingKeys(_ runs: [Run]) -> [String] {
        let known = runs.compactMap(\.values)
        let differing = RunConfiguration.keys.filter { key in
            key.onResume != .mayChange && Set(known.map { $0[key.path] }).count > 1
        }.map(\.path)
        let others = differing.filter { $0 != "name" && $0 != seed }
        let seeds = differing.filter { $0 == seed }
        return others.isEmpty && seeds.isEmpty ? differing : others + seeds
    }

    /// The shortest ends of key paths that tell the keys apart: `learning-rate` for `optimizer.sgd.learning-rate`.
    package static func shortNames(of keys: [String]) -> [String] {
        keys.map { key in
            let parts = key.split(separator: ".")
            for count in 1..<max(2, parts.count) {
                let end = parts.suffix(count).joined(separator: ".")
                if keys.count(where: { $0 == end || $0.hasSuffix("." + end) }) == 1 { return end }
            }
            return key
        }
    }

    /// Characters of a label in a chart's legend.
    private static let labelLength = 56

    /// The runs' own names where these tell them apart, else the values that differ, with the directory's name where even
    /// those are equal.
    private static func labels(_ runs: [Run], _ keys: [String]) -> [String] {
        func areDistinct(_ texts: [String]) -> Bool { Set(texts).count == texts.count }
        let names = runs.map(\.summary.name)
        if areDistinct(names) { return names.map(shortened) }
        let short = shortNames(of: keys)
        var labels = runs.map { run in
            zip(keys, short).compactMap { key, name in run.values?[key].map { "\(name) \($0)" } }.joined(
                separator: ", ")
        }
        for (index, label) in labels.enumerated() where label.isEmpty || labels.count(where: { $0 == label }) > 1 {
            labels[index] = label.isEmpty ? runs[index].name : "\(label) (\(runs[index].name))"
        }
        labels = labels.map(shortened)
        if areDistinct(labels) { return labels }
        return runs.indices.map { "\($0 + 1): \(labels[$0])" }
    }

    private static func shortened(_ text: String) -> String {
        text.count <= labelLength ? text : text.prefix(labelLength - 1) + "…"
    }
}

// MARK: - Which is the best

extension RunComparison.Run {
    /// The epoch that the validation samples select, else the last one that was evaluated.
    package var selected: RunSummary.Epoch? {
        if let number = summary.selectedEpoch { return summary.epochs.first { $0.epoch == number } }
        return summary.epochs.last { $0.total != nil }
    }

    /// What a better run has more of: right validation samples, as a part of all, or less validation cost; nil: the run
    /// was not evaluated on validation samples.
    package var merit: Double? {
        guard let epoch = selected, let total = epoch.validationTotal, total > 0 else { return nil }
        if let correct = epoch.validationCorrect { return Double(correct) / Double(total) }
        return epoch.validationCost.map { -$0 }
    }
}

extension RunComparison {
    /// The index of the run that the validation samples select, the first of several; nil without validation.
    package var best: Int? {
        let merits = runs.indices.compactMap { index in runs[index].merit.map { (index, $0) } }
        return merits.max { ($0.1, -$0.0) < ($1.1, -$1.0) }?.0
    }

    /// The indices of the runs that differ in the seed alone, in groups, each in the runs' order.
    package var groups: [[Int]] {
        let settings = keys.filter { $0 != Self.seed }
        var groups: [[Int]] = []
        var places: [[String?]: Int] = [:]
        for index in runs.indices {
            let values = settings.map { runs[index].values?[$0] }
            if let place = places[values] {
                groups[place].append(index)
            } else {
                places[values] = groups.count
                groups.append([index])
            }
        }
        return groups
    }
}
