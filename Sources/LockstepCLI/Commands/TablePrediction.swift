import Foundation
import Lockstep
import LockstepData
import LockstepText

/// Classifies the lines of tables and prints the answers.
struct TablePrediction {
    /// One line's answer as JSON.
    private struct Answer: Encodable {
        struct Output: Encodable {
            let `class`: String
            let output: Double
        }

        let file: String
        let line: Int
        var `class`: String?
        /// The class's output, from 0 to 1.
        var confidence: Double?
        var uncertain: Bool?
        /// The class in the label's column, and whether it is the answer.
        var label: String?
        var right: Bool?
        /// The largest output first.
        var outputs: [Output]?
        /// What a network of numbers predicts, in the unit of its table, and the number in the target's column.
        var prediction: Double?
        var target: Double?
        /// Texts that no training sample had.
        var unknown: [String]?
        var error: String?
    }

    private let predictor: EnsemblePredictor
    private let table: TablePreparation
    private let classNames: [String]
    private let isJSON: Bool
    private let top: Int?
    private let console: Console

    init(
        _ ensemble: Ensemble, _ table: TablePreparation, isJSON: Bool, top: Int?, console: Console
    ) throws {
        predictor = try ensemble.makePredictor()
        classNames = ensemble.classNames
        self.table = table
        self.isJSON = isJSON
        self.top = top
        self.console = console
    }

    /// Classifies all lines of these tables.
    ///
    /// - Throws: `DataError` if a table cannot be read; at the end, `CommandError` if lines had faults.
    func predict(_ paths: [String]) throws {
        var (lines, faults) = (0, 0)
        for path in paths {
            let rows = path == "-" ? try TableRows(standardInput: table) : try TableRows(path: path, table)
            while let row = try rows.next() {
                lines += 1
                if row.fault != nil { faults += 1 }
                try print(row, path: rows.path)
            }
        }
        guard faults == 0 else {
            throw CommandError(
                .invalidData, "\(faults) of \(counted(lines, "line")) had a fault and got no answer; all others did")
        }
    }

    private func print(_ row: TableRows.Row, path: String) throws {
        if let fault = row.fault {
            if isJSON {
                try output(Answer(file: path, line: row.line, error: "\(fault)"))
            } else {
                console.warning("\(fault)")
            }
            return
        }
        let outputs = predictor.outputs(for: row.values)
        if let target = table.target {
            return try print(target.number(of: outputs[0]), row, path: path)
        }
        if let answer = predictor.jointAnswer(of: outputs) {
            return try print(answer, row, path: path)
        }
        let ranks = outputs.indices.sorted { (-outputs[$0], $0) < (-outputs[$1], $1) }
        let isUncertain = Self.isUncertain(ranks.prefix(2).map { outputs[$0] })
        if isJSON {
            let label = row.label.map { TablePreparation.classIndex(of: $0, names: classNames) }
            var answer = Answer(file: path, line: row.line)
            answer.class = classNames[ranks[0]]
            answer.confidence = rounded(Double(outputs[ranks[0]]), digits: 6)
            answer.uncertain = isUncertain
            answer.label = row.label
            answer.right = label.map { $0 == ranks[0] }
            answer.outputs = ranks.prefix(top ?? ranks.count).map {
                Answer.Output(class: classNames[$0], output: rounded(Double(outputs[$0]), digits: 6))
            }
            answer.unknown = row.unknown.isEmpty ? nil : row.unknown
            try output(answer)
            return
        }
        for text in row.unknown { warn(text, row, path) }
        func entry(_ rank: Int, _ gap: String) -> String {
            classNames[rank].printable + gap + decimal(Double(outputs[rank]), 3)
        }
        var text =
            top.map { ranks.prefix($0).map { entry($0, " ") }.joined(separator: ", ") } ?? entry(ranks[0], "   ")
        if isUncertain {
            text += "   uncertain" + (top == nil && ranks.count > 1 ? ": or \(entry(ranks[1], " "))" : "")
        }
        try console.output("\(path):\(row.line): \(text)")
    }

    /// Prints the answer of a network that predicts a number.
    private func print(_ number: Double, _ row: TableRows.Row, path: String) throws {
        guard isJSON else {
            for text in row.unknown { warn(text, row, path) }
            return try console.output("\(path):\(row.line): \(decimal(number, 4))")
        }
        var answer = Answer(file: path, line: row.line)
        answer.prediction = number
        answer.target = row.label.flatMap(Double.init)
        answer.unknown = row.unknown.isEmpty ? nil : row.unknown
        try output(answer)
    }

    /// Prints an answer that several outputs give together.
    private func print(_ answer: Network.Prediction, _ row: TableRows.Row, path: String) throws {
        let name = answer.label < classNames.count ? classNames[answer.label] : "\(answer.label)"
        guard isJSON else {
            for text in row.unknown { warn(text, row, path) }
            let doubt = answer.confidence < 0.75 ? "   uncertain" : ""
            return try console.output(
                "\(path):\(row.line): \(name.printable)   \(decimal(Double(answer.confidence), 3))\(doubt)")
        }
        var object = Answer(file: path, line: row.line)
        object.class = name
        object.confidence = rounded(Double(answer.confidence), digits: 6)
        object.uncertain = answer.confidence < 0.75
        object.label = row.label
        object.unknown = row.unknown.isEmpty ? nil : row.unknown
        try output(object)
    }

    private func warn(_ text: String, _ row: TableRows.Row, _ path: String) {
        console.warning(
            "\(path.printableName), line \(row.line): no training sample had \(text); it counts as no category")
    }

    private func output(_ answer: Answer) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try console.output(encoder.text(answer))
    }

    /// Whether the answer may well be another: the largest output is below 1/2, or the second is more than half of it.
    static func isUncertain(_ largest: [Float]) -> Bool {
        guard let first = largest.first, first >= 0.5 else { return true }
        return largest.count > 1 && largest[1] > first / 2
    }
}
