import Foundation
import LockstepData
import LockstepNetwork
import LockstepSystem
import LockstepText

/// Reads the metadata of a model file.
struct ModelMetadataReader {
    typealias Key = ModelFile.Key

    let path: String
    let texts: [String: String]

    /// The network whose layers the metadata list; nil if the metadata list none.
    func layeredNetwork() throws(ArtifactError) -> (Architecture, Cost)? {
        try checkFormatVersion()
        guard let text = texts[Key.network] else { return nil }
        guard let network = try? JSONDecoder().decode(ModelFile.LayeredNetwork.self, from: Data(text.utf8)) else {
            throw failure(
                "the metadata describe a network with layers that this program does not know",
                "use the version of lockstep that wrote it")
        }
        var architecture = Architecture(input: network.input, layers: network.layers.map(\.layer))
        let cost = try finish(&architecture)
        return (architecture, cost)
    }

    /// The network of a file whose tensors have these layer sizes.
    func network(sizes: [Int]) throws(ArtifactError) -> (Architecture, Cost) {
        let written = sizes.map(String.init).joined(separator: ",")
        if let claimed = texts[Key.sizes], claimed != written {
            throw failure("the metadata name sizes \(claimed.printable), the tensors have \(written)", Self.correction)
        }
        var architecture = Architecture(sizes: sizes)
        architecture.activation = try required(Key.activation, of: Activation.self)
        let cost = try finish(&architecture)
        return (architecture, cost)
    }

    private func checkFormatVersion() throws(ArtifactError) {
        let known = ModelFile.formatVersions
        if let version = texts[Key.formatVersion], !known.contains(version) {
            throw .unknownVersion(path: path, version: version, known: known)
        }
    }

    /// Reads what networks of both forms have.
    private func finish(_ architecture: inout Architecture) throws(ArtifactError) -> Cost {
        // Only training used it; running the network does not need it.
        if let initializer = try choice(Key.initializer, of: Initializer.self) {
            architecture.initializer = initializer
        }
        let cost = try required(Key.cost, of: Cost.self)
        architecture.output = try choice(Key.output, of: OutputActivation.self) ?? cost.customaryOutput
        guard cost.accepts(architecture.output) else {
            throw failure(
                "its metadata name the \(cost.rawValue) cost and the output \(architecture.output.rawValue), which do "
                    + "not go together", Self.correction)
        }
        return cost
    }

    /// What the outputs were trained to be; nil: one for each class.
    func targets() throws(ArtifactError) -> TargetEncoding? {
        guard let text = texts[Key.targets] else { return nil }
        guard let targets = TargetEncoding(text: text) else {
            throw failure(
                "unknown targets '\(text.printable)' in the metadata", "this program knows binary and is CLASS")
        }
        return targets
    }

    private var labels: [String] {
        guard let text = texts[Key.labels] else { return [] }
        if text.hasPrefix("["), let names = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) {
            return names
        }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// How the fields of a table become values.
    private func table(inputs: Int) throws(ArtifactError) -> TablePreparation? {
        guard let text = texts[Key.table] else { return nil }
        guard let table = try? JSONDecoder().decode(TablePreparation.self, from: Data(text.utf8)), table.isConsistent,
            table.inputSize == inputs
        else {
            throw failure(
                "the metadata describe a table that does not fit the network's \(inputs) inputs", Self.correction)
        }
        return table
    }

    /// How pictures become values.
    private func pictures(inputs: Int) throws(ArtifactError) -> PicturePreparation? {
        guard let text = texts[Key.pictures] else { return nil }
        guard let pictures = try? JSONDecoder().decode(PicturePreparation.self, from: Data(text.utf8)),
            pictures.isConsistent, pictures.inputSize == inputs
        else {
            throw failure(
                "the metadata describe pictures that do not fit the network's \(inputs) inputs", Self.correction)
        }
        return pictures
    }

    /// The metadata that do not describe the network.
    func metadata(inputs: Int, outputs: Int) throws(ArtifactError) -> ModelMetadata {
        let labels = labels
        guard labels.isEmpty || labels.count == outputs else {
            throw failure("\(labels.count) labels for \(outputs) outputs", Self.correction)
        }
        var seed: UInt64?
        if let text = texts[Key.seed] {
            seed = UInt64(text)
            guard seed != nil else { throw failure("the seed '\(text.printable)' is not a number", Self.correction) }
        }
        return ModelMetadata(
            inputScale: try choice(Key.inputScale, of: InputScale.self), labels: labels,
            table: try table(inputs: inputs), pictures: try pictures(inputs: inputs), seed: seed,
            dataName: texts[Key.data], dataSHA256: texts[Key.dataSHA256], programVersion: texts[Key.programVersion])
    }

    private func required<Choice>(_ key: String, of type: Choice.Type) throws(ArtifactError) -> Choice
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        guard let choice = try choice(key, of: type) else {
            let example = type.allCases.first.map(\.rawValue) ?? ""
            throw failure(
                "the metadata do not name the network's \(key)",
                "save it with metadata such as {\"\(key)\": \"\(example)\"}")
        }
        return choice
    }

    private func choice<Choice>(_ key: String, of type: Choice.Type) throws(ArtifactError) -> Choice?
    where Choice: RawRepresentable & CaseIterable, Choice.RawValue == String {
        guard let text = texts[key] else { return nil }
        guard let choice = type.init(rawValue: text) else {
            let known = type.allCases.map(\.rawValue).joined(separator: ", ")
            throw failure("unknown \(key) '\(text.printable)' in the metadata", "this program knows \(known)")
        }
        return choice
    }

    /// What to do about metadata that contradict the tensors or each other.
    private static let correction = "correct the metadata, or copy the file from its source again"

    private func failure(_ reason: String, _ remedy: String) -> ArtifactError {
        .malformed(path: path, reason: reason, remedy: remedy)
    }
}
