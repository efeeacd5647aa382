import Foundation
import Lockstep
import LockstepData
import LockstepText

/// Classifies whole pictures, with a model that was trained on a folder of pictures, and prints the answers.
struct PictureClassification {
    /// One picture's answer as JSON.
    private struct Answer: Encodable {
        struct Output: Encodable {
            let `class`: String
            let output: Double
        }

        let file: String
        var `class`: String?
        /// The class's output, from 0 to 1.
        var confidence: Double?
        var uncertain: Bool?
        /// The largest output first.
        var outputs: [Output]?
        var error: String?
    }

    private let predictor: EnsemblePredictor
    private let classNames: [String]
    private let preparation: PicturePreparation
    private let isJSON: Bool
    private let top: Int?
    private let console: Console

    /// - Parameters:
    ///   - ensemble: The models.
    ///   - preparation: How pictures become values.
    ///   - isJSON: Whether to print a JSON object for each picture.
    ///   - top: Classes to print for each picture; nil: the class alone, or all in JSON.
    ///   - console: Where to print.
    /// - Throws: `LockstepError` if there is no compute library.
    init(
        _ ensemble: Ensemble, _ preparation: PicturePreparation, isJSON: Bool, top: Int?, console: Console
    ) throws {
        predictor = try ensemble.makePredictor()
        classNames = ensemble.classNames
        self.preparation = preparation
        self.isJSON = isJSON
        self.top = top
        self.console = console
    }

    /// Classifies all pictures; those after a file that cannot be read, too.
    ///
    /// - Throws: The error of the file, if it is the only one; otherwise `CommandError` at the end if files could not be read.
    func predict(_ paths: [String]) throws {
        var errors: [DataError] = []
        for path in paths {
            let picture: ColourPicture
            do throws(DataError) {
                picture = try ColourPicture(path: path)
            } catch {
                errors.append(error)
                if isJSON {
                    try output(Answer(file: path, error: "\(error)"))
                } else if paths.count > 1 {
                    console.warning("\(error)")
                }
                continue
            }
            try print(path, preparation.sample(of: picture).map { Float($0) * (1 / 255) })
        }
        guard let first = errors.first else { return }
        guard paths.count > 1 else { throw first }
        throw CommandError(
            errors.allSatisfy { $0.reason == .missingFile } ? .missingInput : .invalidData,
            errors.count == paths.count
                ? "none of the \(counted(paths.count, "file")) could be read"
                : "\(errors.count) of \(counted(paths.count, "file")) could not be read; all others were")
    }

    private func answer(_ path: String, _ values: [Float]) -> Answer {
        let outputs = predictor.outputs(for: values)
        let ranks = outputs.indices.sorted { (-outputs[$0], $0) < (-outputs[$1], $1) }
        func name(_ rank: Int) -> String { rank < classNames.count ? classNames[rank] : "\(rank)" }
        var answer = Answer(file: path)
        answer.class = name(ranks[0])
        answer.confidence = rounded(Double(outputs[ranks[0]]), digits: 6)
        answer.uncertain = TablePrediction.isUncertain(ranks.prefix(2).map { outputs[$0] })
        answer.outputs = ranks.prefix(top ?? (isJSON ? ranks.count : 2)).map {
            Answer.Output(class: name($0), output: rounded(Double(outputs[$0]), digits: 6))
        }
        return answer
    }

    private func print(_ path: String, _ values: [Float]) throws {
        let answer = answer(path, values)
        if isJSON { return try output(answer) }
        let entries = (answer.outputs ?? []).map { "\($0.class.printable) \(decimal($0.output, 3))" }
        var text =
            top == nil
            ? "\((answer.class ?? "").printable)   \(decimal(answer.confidence ?? 0, 3))"
            : entries.joined(separator: ", ")
        if answer.uncertain == true {
            text += "   uncertain" + (top == nil && entries.count > 1 ? ": or \(entries[1])" : "")
        }
        try console.output("\(path): \(text)")
    }

    private func output(_ answer: Answer) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try console.output(encoder.text(answer))
    }
}
