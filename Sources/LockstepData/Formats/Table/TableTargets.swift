/// The numbers that a network learns from a table, standardised by the training samples.
enum TableTargets {
    /// Writes the targets of one or two tables, and keeps their mean and their deviation in the preparation.
    ///
    /// - Throws: ``DataError`` if all targets are equal, so that there is nothing to learn.
    static func write(
        _ tables: [TableFile], _ order: TableOrder, training: Int, to builder: borrowing DatasetBuilder,
        _ preparation: inout TablePreparation
    ) throws(DataError) {
        guard let table = tables.first, let targets = builder.targets else { return }
        for (sample, target) in table.survey.targets.enumerated() { targets[order.place(of: sample)] = target }
        if tables.count > 1 {
            for (sample, target) in tables[1].survey.targets.enumerated() {
                targets[table.sampleCount + sample] = target
            }
        }
        var sum = 0.0
        for sample in 0..<training { sum += Double(targets[sample]) }
        let mean = sum / Double(training)
        var squares = 0.0
        for sample in 0..<training { squares += (Double(targets[sample]) - mean) * (Double(targets[sample]) - mean) }
        let deviation = (squares / Double(training)).squareRoot()
        guard deviation > 0, deviation.isFinite else {
            throw DataError(
                .malformedTable(
                    "\(table.head.title(ofColumn: table.labelColumn)) is \(targets[0]) in all training samples: there is nothing "
                        + "to learn"), subject: table.head.path, remedy: "set data.target to another column")
        }
        preparation.columns[table.labelColumn].mean = mean
        preparation.columns[table.labelColumn].deviation = deviation
        for sample in targets.indices {
            targets[sample] = Float((Double(targets[sample]) - mean) / deviation)
            guard targets[sample].isFinite else {
                throw DataError(
                    .malformedTable("a number of \(table.head.title(ofColumn: table.labelColumn)) is too large"),
                    subject: table.head.path)
            }
        }
    }
}
