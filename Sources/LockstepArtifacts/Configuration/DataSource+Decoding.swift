import LockstepData
import LockstepTraining

extension DataSource {
    /// Reads `data`, which has one of several forms.
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        let given = (ConfigurationSchema.sections[section.path] ?? []).filter { section.value($0) != nil }
        guard let first = given.first else {
            throw ConfigurationError(
                kind: .missingKey, place: section.place, keyPath: section.keyPath("name"), reason: "data is empty",
                remedy: "add a 'name', a 'pickle', a 'csv', or 'images', 'labels', 'test-images' and 'test-labels'")
        }
        let forms = ConfigurationSchema.dataForms
        let form = forms.first { given.contains($0[0]) } ?? forms.first { $0.contains(first) } ?? []
        if let other = given.first(where: { !form.contains($0) }) {
            throw ConfigurationError(
                kind: .impossibleValue, place: section.value(other)?.place ?? section.place,
                keyPath: section.keyPath(other), reason: "data has both '\(form[0])' and '\(other)'",
                remedy: "give " + Self.remedy(form: form[0]))
        }
        switch form[0] {
        case "name": self = .named(try Self.path("name", "mnist", in: section))
        case "pickle": self = .pickle(try Self.path("pickle", "mnist.pkl.gz", in: section))
        case "csv": self = .table(try TableFiles(section))
        default: self = .files(try IDXFiles(section))
        }
    }

    private static func remedy(form: String) -> String {
        switch form {
        case "name": "a data set's name or files, not both"
        case "pickle": "the pickle alone: it holds all splits"
        case "csv": "'csv' and, with it, " + ConfigurationSchema.tableKeys.dropFirst().joined(separator: ", ")
        default: ConfigurationSchema.fileKeys.joined(separator: ", ")
        }
    }

    fileprivate static func path(
        _ key: String, _ example: String, in section: ConfigurationSection
    ) throws(ConfigurationError) -> String {
        try section.required(key, example: example, section.text(key))
    }
}

extension IDXFiles {
    fileprivate init(_ section: ConfigurationSection) throws(ConfigurationError) {
        func file(_ key: String) throws(ConfigurationError) -> String {
            try DataSource.path(key, "digits/\(key).gz", in: section)
        }
        self.init(
            images: try file("images"), labels: try file("labels"), testImages: try file("test-images"),
            testLabels: try file("test-labels"),
            validation: try section.integer("validation", in: ConfigurationSchema.setAside))
    }
}

extension TableFiles {
    fileprivate init(_ section: ConfigurationSection) throws(ConfigurationError) {
        self.init(
            path: try DataSource.path("csv", "flowers.csv", in: section),
            testPath: try section.text("test-csv"),
            scale: try section.positiveNumber("scale"),
            validation: try section.integer("validation", in: ConfigurationSchema.setAside),
            test: try section.integer("test", in: ConfigurationSchema.setAside))
        if testPath != nil, let node = section.value("test") {
            throw section.impossible("test", node, "must be left out beside 'test-csv', which holds the test samples")
        }
        guard let text = try section.text("label"), let node = section.value("label") else { return }
        guard let label = LabelColumn(text) else {
            throw section.impossible("label", node, "must be first, last, a column's number from 1, or its name")
        }
        self.label = label
    }
}
