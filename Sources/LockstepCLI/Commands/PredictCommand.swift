import ArgumentParser
import Lockstep
import LockstepArtifacts
import LockstepCompute
import LockstepImages
import LockstepText

/// `lockstep predict`.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Read the digits in pictures.",
        usage: "lockstep predict [<options>] <model> <images> ...",
        discussion: """
            A picture shows one digit or a row of digits, dark on bright or bright on
            dark. It is prepared as MNIST was: each digit is scaled into 20 x 20
            pixels, with its centre of mass in the middle of 28 x 28.

            Prints the file, the digits, and the network's confidence in the least
            certain digit, from 0 to 1. An IDX file holds many pictures. With
            --ensemble, the outputs of all models are averaged.

            Examples:
              lockstep predict runs/RUN/best.safetensors digit.png
              lockstep predict best.safetensors 504192.png scan.pgm
              lockstep predict best.safetensors t10k-images-idx3-ubyte
              lockstep predict a.safetensors digit.png --ensemble b.safetensors
            """
    )

    @OptionGroup var modelOptions: ModelOptions

    @Argument(help: "Pictures: PNG, PGM or IDX files.", completion: .file())
    var images: [String]

    @Flag(help: "Read each picture as one digit, even if it is wide.")
    var single = false

    @Option(help: ArgumentHelp("The numeric kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        let models = try modelOptions.load()
        for (path, model) in zip(try modelOptions.paths(), models) {
            guard let name = model.metadata.labels.first(where: { Int($0) == nil }) else { continue }
            throw CommandError(
                .invalidData,
                "\(path.printable): predict reads digits, and this network tells other things apart, such as "
                    + "'\(name.printable)'; count its right answers with lockstep evaluate")
        }
        let ensemble = try modelOptions.ensemble(of: models)
        _ = try ComputeLibrary.open(try NumericKernel.resolve(kernel))
        let reader = try DigitReader(ensemble)
        for path in images {
            // Its errors tell a missing file from a damaged one, as the public ones do not.
            let pictures = try GrayImage.load(path).map(Image.init)
            for (index, picture) in pictures.enumerated() {
                let name = pictures.count == 1 ? path : "\(path)[\(index)]"
                // The pictures of an IDX file are single digits, like those of a data set.
                let isSingle = single || pictures.count > 1
                let digits = isSingle ? [try reader.digit(in: picture)] : try reader.number(in: picture)
                guard let least = digits.map(\.confidence).min() else {
                    console.warning("\(name): no digit found")
                    continue
                }
                let text = digits.map { String($0.label) }.joined()
                try console.output("\(name): \(text)   \(decimal(Double(least), 3))")
                console.detail(
                    digits.map { "  \($0.label)   \(decimal(Double($0.confidence), 3))" }.joined(separator: "\n"))
            }
        }
    }
}
