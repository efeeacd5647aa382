/// Where the lines of a table come from, which is read more than once: a file of text, or arrays of a numpy file.
struct TableSource {
    /// The file, as errors name it.
    let path: String
    /// The arrays; nil for a file of text.
    let arrays: ArrayTable?
    /// The names of the classes 0, 1, ... in a first line of scikit-learn's tables, which is no sample; nil: there is no such line.
    let classNames: [String]?
    private let samples: ArrayTable.Selection

    private init(
        _ path: String, _ arrays: ArrayTable?, _ samples: ArrayTable.Selection, classNames: [String]? = nil
    ) {
        self.path = path
        self.classNames = classNames
        self.arrays = arrays
        self.samples = samples
    }

    /// Opens a file. The first bytes, not the name, tell arrays from text.
    ///
    /// - Throws: ``DataError`` if the file cannot be read, or its arrays are no samples.
    init(path: String) throws(DataError) {
        if ArrayTable.begins(try ArrayTable.beginning(of: path)) {
            self.init(path, try ArrayTable(path: path), .training)
        } else {
            self.init(path, nil, .training, classNames: Self.classNames(inFirstLineOf: try TableInput(path: path)))
        }
    }

    /// The names in a first line such as `150,4,setosa,versicolor,virginica`: the samples, their values, and the classes that the
    /// labels in the last column number.
    private static func classNames(inFirstLineOf input: TableInput) -> [String]? {
        // A line with a fault is reported where the table is read.
        guard let first = try? input.readFields(), let second = try? input.readFields(), first.count >= 4,
            let samples = Int(first[0]), samples > 1, let values = Int(first[1]), second.count == values + 1,
            let label = Int(second[values])
        else { return nil }
        let names = Array(first[2...])
        let areNames = names.allSatisfy { !$0.isEmpty && Double($0) == nil } && Set(names).count == names.count
        return areNames && names.indices.contains(label) ? names : nil
    }

    /// Opens two numpy files.
    init(arrays path: String, labels: String) throws(DataError) {
        self.init(path, try ArrayTable(path: path, labels: labels), .training)
    }

    /// The test samples of the same arrays; nil if there are none of their own.
    var test: TableSource? {
        guard let arrays, arrays.hasTest else { return nil }
        return TableSource(path, arrays, .test)
    }

    /// All samples.
    var all: TableSource { TableSource(path, arrays, .all, classNames: classNames) }

    /// Opens the table at its first line.
    func open() throws(DataError) -> TableInput {
        if let arrays { return try TableInput(path: path, source: arrays.makeSource(samples)) }
        let input = try TableInput(path: path)
        if classNames != nil { _ = try input.readFields() }
        return input
    }
}
