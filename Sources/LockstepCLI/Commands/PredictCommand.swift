import ArgumentParser
import Lockstep
import LockstepCompute

/// `lockstep predict`.
struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict",
        abstract: "Read the digits in pictures.",
        discussion: """
            A picture holds one digit or a row of them, dark on bright or bright on dark. It is prepared as MNIST was:
            each digit scaled into 20 x 20 pixels, its centre of mass in the middle of 28 x 28.

            Prints the file, what it reads and how sure the network is of its least certain digit, from 0 to 1.

            Examples:
              lockstep predict runs/RUN/best.safetensors digit.png
              lockstep predict best.safetensors 504192.png scan.pgm
              lockstep predict best.safetensors t10k-images-idx3-ubyte     every picture of an IDX file
            """
    )

    @Argument(help: "A model file, such as a run's best.safetensors.")
    var model: String

    @Argument(help: "Pictures: PNG, PGM or IDX files.")
    var images: [String]

    @Flag(help: "Take each picture for one digit, however wide it is.")
    var single = false

    @Option(help: ArgumentHelp("The matrix library's kernel.", valueName: "name"))
    var kernel = "auto"

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        _ = try MatrixLibrary.open(try MatrixKernel.resolve(kernel))
        let reader = try DigitReader(try Network(contentsOf: model))
        for path in images {
            let pictures = try Picture.load(path)
            for (index, picture) in pictures.enumerated() {
                let name = pictures.count == 1 ? path : "\(path)[\(index)]"
                // The pictures of an IDX file are single digits, as a data set's are.
                let isSingle = single || pictures.count > 1
                let digits = isSingle ? [try reader.digit(in: picture)] : try reader.number(in: picture)
                guard let least = digits.map(\.confidence).min() else {
                    console.warning("\(name): no digit found")
                    continue
                }
                let text = digits.map { String($0.label) }.joined()
                console.result("\(name): \(text)   \(decimal(Double(least), 3))")
                console.detail(
                    digits.map { "  \($0.label)   \(decimal(Double($0.confidence), 3))" }.joined(separator: "\n"))
            }
        }
    }
}
