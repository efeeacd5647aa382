import ArgumentParser
import LockstepArtifacts

/// `lockstep export`.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model for another program.",
        usage: "lockstep export [<options>] <model> --format <format>",
        discussion: """
            safetensors is the format of the model files themselves; onnx is for ONNX
            Runtime and others; npz is for numpy; html is a page that runs the network
            in a browser, with a field to draw a digit in.

            Examples:
              lockstep export runs/RUN/best.safetensors --format html
              lockstep export best.safetensors --format onnx --output digits.onnx
            """
    )

    @Argument(
        help: "A model file, such as best.safetensors of a run.", completion: .file(extensions: ["safetensors"]))
    var model: String

    @Option(help: "One of \(ExportFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format: ExportFormat

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file to write; -: standard output. (default: the name of the model with the extension of the format)",
            valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let model = try ModelFile.load(self.model)
        let path = output.map(Console.path) ?? defaultPath
        guard output != nil || path != self.model else {
            throw CommandError(.usage, "\(path) is the model itself; give another path with --output")
        }
        try model.export(to: path, as: format)
        if !Console.isStandardOutput(path) { try consoleOptions.console.output(path) }
    }

    /// `best.safetensors` becomes `best.onnx`.
    private var defaultPath: String {
        let ending = ".safetensors"
        return (model.hasSuffix(ending) ? String(model.dropLast(ending.count)) : model) + ".\(format.rawValue)"
    }
}
