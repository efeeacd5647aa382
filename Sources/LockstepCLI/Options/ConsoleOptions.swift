import ArgumentParser

/// `--quiet` and `--verbose`.
struct ConsoleOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Print results only.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Print details.")
    var verbose = false

    var console: Console {
        Console(verbosity: quiet ? .quiet : verbose ? .verbose : .normal)
    }

    func validate() throws {
        if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
    }
}
