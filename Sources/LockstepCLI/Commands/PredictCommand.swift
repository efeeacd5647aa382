import ArgumentParser
import Lockstep
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepText

/// `lockstep predict`.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Classify the lines of tables or pictures, or read the digits in pictures.",
        usage: "lockstep predict [<options>] <model> <inputs> ...",
        discussion: """
            A model that was trained on a table classifies the lines of tables with the
            same columns; the label's may be missing. - reads standard input. Prints the
            file and line, the class, and its output, from 0 to 1. A line with a fault
            is reported, and the lines after it are classified. Arrays of numpy are
            tables, too. A model that was trained on a folder of pictures classifies
            each picture as a whole.

            For any other model, a picture, such as a photograph or a scan, shows
            one digit or lines of digits, which may touch. Paper and ink are
            measured: grey paper, dark boards, uneven light. Each digit is prepared
            as MNIST was: scaled into 20 x 20 pixels, with its centre of mass in the
            middle of 28 x 28.

            Prints the file, the digits, and the network's confidence in the least
            certain digit, from 0 to 1; for several lines, the line's number too. An
            IDX file holds many pictures, which are read as they are. A file that
            cannot be read is reported, and the files after it are read. With
            --ensemble, the outputs of all models are averaged.

            Examples:
              lockstep predict runs/RUN flowers.csv
              echo 5.1,3.5,1.4,0.2 | lockstep predict --json runs/RUN -
              lockstep predict runs/RUN/best.safetensors digit.png
              lockstep predict best.safetensors 504192.png scan.pgm
              lockstep predict best.safetensors t10k-images-idx3-ubyte
              lockstep predict a.safetensors digit.png --ensemble b.safetensors
            """
    )

    @OptionGroup var modelOptions: ModelOptions

    @Argument(help: "Tables, numpy arrays, or pictures: PNG, JPEG, PGM or IDX files.", completion: .file())
    var inputs: [String]

    @Flag(help: "Print a JSON object for each line of a table, or picture of a class, with all outputs.")
    var json = false

    @Option(help: ArgumentHelp("Print the classes of the largest outputs of each line, so many.", valueName: "n"))
    var top: Int?

    @Flag(help: "Read each picture as one digit, even if it is wide.")
    var single = false

    @Option(help: ArgumentHelp("The numeric kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        if let top, top < 1 { throw CommandError(.usage, "--top \(top): give 1 or more") }
        let models = try modelOptions.load()
        if let pictures = models.lazy.compactMap(\.metadata.pictures).first {
            guard !single else { throw CommandError(.usage, "--single goes with pictures of digits") }
            let ensemble = try modelOptions.ensemble(of: models)
            _ = try ComputeLibrary.open(try NumericKernel.resolve(kernel))
            return try PictureClassification(
                ensemble, pictures, isJSON: json, top: top, console: consoleOptions.console
            ).predict(inputs)
        }
        guard let table = models.lazy.compactMap(\.metadata.table).first, inputs.contains(where: Self.isTable) else {
            guard !json, top == nil else {
                throw CommandError(.usage, "--json and --top go with tables, which the model was not trained on")
            }
            return try predictPictures(models)
        }
        guard inputs.allSatisfy(Self.isTable) else {
            throw CommandError(.usage, "tables and pictures together: predict them with two commands")
        }
        guard !single else { throw CommandError(.usage, "--single goes with pictures") }
        let ensemble = try modelOptions.ensemble(of: models)
        _ = try ComputeLibrary.open(try NumericKernel.resolve(kernel))
        try TablePrediction(ensemble, table, isJSON: json, top: top, console: consoleOptions.console).predict(inputs)
    }

    /// Whether an input is a table, by its name: `-` is one.
    private static func isTable(_ path: String) -> Bool {
        path == "-" || !["png", "jpg", "jpeg", "pgm", "ubyte", "gz"].contains { path.lowercased().hasSuffix($0) }
            || TableFiles.fileEndings.contains(where: path.lowercased().hasSuffix)
    }

    private func predictPictures(_ models: [TrainedModel]) throws {
        let console = consoleOptions.console
        for (path, model) in zip(try modelOptions.paths(), models) {
            guard let name = model.metadata.labels.first(where: { Int($0) == nil }) else { continue }
            throw CommandError(
                .invalidData,
                "\(path.printable): predict reads digits, and this network tells other things apart, such as "
                    + "'\(name.printable)'; \(model.metadata.table == nil ? "count its right answers with lockstep evaluate" : "give it a table")"
            )
        }
        let ensemble = try modelOptions.ensemble(of: models)
        _ = try ComputeLibrary.open(try NumericKernel.resolve(kernel))
        try PicturePrediction(DigitReader(ensemble), isSingle: single, console: console).predict(inputs)
    }
}
