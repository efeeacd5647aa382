import LockstepNetwork

/// The keys that a run configuration knows, and the limits of their values.
enum ConfigurationSchema {
    /// The keys of each section, by the section's key path; the empty path is the file itself.
    static let sections: [String: [String]] = [
        "": [
            "name", "data", "network", "cost", "training", "optimizer", "schedule", "regularization",
            "augmentation", "evaluation", "checkpoint", "timeouts", "wire", "shards", "kernel",
        ],
        "data": ["name", "pickle"] + tableKeys.filter { !fileKeys.contains($0) } + fileKeys,
        "network": ["sizes", "activation", "output", "initializer"],
        "training": ["epochs", "batch", "seed"],
        "optimizer": ["sgd", "adamw"],
        "optimizer.sgd": ["learning-rate", "momentum", "nesterov", "weight-decay"],
        "optimizer.adamw": ["learning-rate", "beta1", "beta2", "epsilon", "weight-decay"],
        "schedule": ["constant", "step", "cosine", "one-cycle"],
        "schedule.constant": [],
        "schedule.step": ["every", "factor"],
        "schedule.cosine": ["warm-up", "final"],
        "schedule.one-cycle": ["warm-up", "initial", "final"],
        "regularization": ["dropout", "input-dropout", "label-smoothing", "average"],
        "augmentation": ["shift", "rotation", "scale", "shear", "elastic", "smoothness"],
        "evaluation": ["every"],
        "checkpoint": ["every"],
        "timeouts": ["start", "rejoin"],
    ]

    /// The keys of `data` for IDX files.
    static let fileKeys = ["images", "labels", "test-images", "test-labels", "validation"]
    /// Those for tables of text.
    static let tableKeys = ["csv", "test-csv", "label", "scale", "test", "validation"]
    /// The forms that `data` can have, each with the key that tells it by first.
    static let dataForms = [["name"], ["pickle"], tableKeys, fileKeys]

    /// Characters of a run's name.
    static let nameLength = 1...200
    /// Layers, the input layer included.
    static let layers = 2...Architecture.maximumLayers
    /// Neurons of a layer.
    static let layerSize = 1...Architecture.maximumLayerSize
    static let epochs = 0...1_000_000_000
    static let batch = 1...1_000_000_000
    /// Epochs between two falls of the learning rate.
    static let stepInterval = 1...1_000_000_000
    /// Samples of a split that is cut off from the training files.
    static let setAside = 0...1_000_000_000
    static let evaluationInterval = 0...1_000_000_000
    static let shards = 1...1024
    /// Seconds; a week.
    static let maximumTimeout = 604_800.0

    /// The error for a key that its section does not know, with the key that was probably meant.
    static func unknownKey(_ key: String, in section: String, place: ConfigurationError.Place) -> ConfigurationError {
        let known = sections[section] ?? []
        let remedy: String
        if let near = suggestion(for: key, among: known) {
            remedy = "did you mean '\(near)'?"
        } else if let home = sections.filter({ $0.value.contains(key) }).keys.min() {
            remedy = "it belongs " + (home.isEmpty ? "at the top level" : "in \(home)")
        } else {
            remedy = "known are " + known.joined(separator: ", ")
        }
        return ConfigurationError(
            kind: .unknownKey, place: place, keyPath: joined(section, key),
            reason: "unknown key '\(key.printable)'" + (section.isEmpty ? "" : " in \(section)"), remedy: remedy)
    }

    /// `optimizer` and `sgd` make `optimizer.sgd`.
    static func joined(_ section: String, _ key: String) -> String {
        section.isEmpty ? key : "\(section).\(key)"
    }
}
