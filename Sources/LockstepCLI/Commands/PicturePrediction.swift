import Lockstep
import LockstepData
import LockstepImages
import LockstepText

/// Reads the digits in pictures and prints them.
struct PicturePrediction {
    private let reader: DigitReader
    /// Whether each picture is read as one digit.
    private let isSingle: Bool
    private let console: Console

    init(_ reader: DigitReader, isSingle: Bool, console: Console) {
        self.reader = reader
        self.isSingle = isSingle
        self.console = console
    }

    /// Reads all pictures; those after a file that cannot be read, too.
    ///
    /// - Throws: The error of the file, if it is the only one; otherwise `CommandError` at the end if files could not be read.
    func predict(_ paths: [String]) throws {
        var errors: [DataError] = []
        for path in paths {
            let pictures: [Image]
            do throws(DataError) {
                // Its errors tell a missing file from a damaged one, as the public ones do not.
                pictures = try GrayImage.load(path).map(Image.init)
            } catch {
                errors.append(error)
                if paths.count > 1 { console.warning("\(error)") }
                continue
            }
            try predict(pictures, path)
        }
        guard let first = errors.first else { return }
        guard paths.count > 1 else { throw first }
        throw CommandError(
            errors.allSatisfy { $0.reason == .missingFile } ? .missingInput : .invalidData,
            errors.count == paths.count
                ? "none of the \(counted(paths.count, "file")) could be read"
                : "\(errors.count) of \(counted(paths.count, "file")) could not be read; all others were")
    }

    private func predict(_ pictures: [Image], _ path: String) throws {
        for (index, picture) in pictures.enumerated() {
            let name = pictures.count == 1 ? path : "\(path)[\(index)]"
            guard picture.hasInk else {
                console.warning("\(name): no digit found")
                continue
            }
            // The pictures of an IDX file are single digits, like those of a data set.
            if isSingle || pictures.count > 1 {
                try print([reader.digit(in: picture)], name)
                continue
            }
            let lines = try reader.lines(in: picture).filter { !$0.isEmpty }
            if lines.isEmpty { console.warning("\(name): no digit found") }
            for (number, digits) in lines.enumerated() {
                try print(digits, lines.count == 1 ? name : "\(name):\(number + 1)")
            }
        }
    }

    private func print(_ digits: [Network.Prediction], _ name: String) throws {
        let text = digits.map { String($0.label) }.joined()
        let least = digits.map(\.confidence).min() ?? 0
        try console.output("\(name): \(text)   \(decimal(Double(least), 3))")
        console.detail(digits.map { "  \($0.label)   \(decimal(Double($0.confidence), 3))" }.joined(separator: "\n"))
    }
}
