import ArgumentParser
import Glibc
import LockstepSystem
import LockstepText
import LockstepTraining

/// The root command.
struct LockstepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockstep",
        abstract: "Multi-process data-parallel training of neural networks, exact to the last bit.",
        discussion: """
            In one process, or on a coordinator and two workers of this host:
              lockstep train config/mnist-30.yaml
              lockstep train config/mnist-30.yaml --workers 2

            How good a trained network is, and what it reads in a picture:
              lockstep evaluate runs/RUN/best.safetensors
              lockstep predict runs/RUN/best.safetensors 7.png

            In several terminals:
              lockstep coordinator config/mnist-30.yaml \\
                  --bind tcp://127.0.0.1:5555 --workers 2
              lockstep worker --connect tcp://127.0.0.1:5555 --processes 2

            On other machines, over ssh:
              lockstep train config/mnist-30.yaml --hosts a,b:4
            """,
        version: programVersion,
        subcommands: [
            TrainCommand.self, CoordinatorCommand.self, WorkerCommand.self, EvaluateCommand.self, PredictCommand.self,
            ExportCommand.self, BaselineCommand.self, SweepCommand.self, ReportCommand.self, BenchCommand.self,
            ChaosCommand.self, ReplayCommand.self, DataCommand.self, KeygenCommand.self, StatusCommand.self,
            DoctorCommand.self,
        ]
    )
}

/// The entry point: turns every error into one line and an exit status of sysexits(3).
@main
enum Main {
    static func main() {
        StandardStreams.fillGaps()
        // Looked up while this process has one thread.
        _ = ServiceManager.current
        ignoreWriteSignals()
        CrashSignals.endAtOnce()
        FileSystemLimits.setHandler { Console(verbosity: .normal).warning($0) }
        _ = try? Host.raiseDescriptorLimit()
        do {
            var command = try LockstepCommand.parseAsRoot(
                UsageText.expandingResume(UsageText.joiningNegativeNumbers(arguments)))
            try command.run()
        } catch {
            end(error)
        }
        ServiceManager.current?.stopping(status: "Done")
        if let status = Console.finish(after: nil) { status.exit() }
    }

    /// The command line without the program's name. Paths in it may be no UTF-8.
    private static var arguments: [String] { ProgramArguments.bytes.map { String(path: $0) } }

    private static func end(_ error: any Error) -> Never {
        guard let status = ExitStatus(of: error) else { endParsing(error) }
        ServiceManager.current?.stopping(status: "\(error)")
        if status.isPrinted { Console.printError("\(error)") }
        (Console.finish(after: status) ?? status).exit()
    }

    /// Ends the process with what the argument parser has to say: help, which was asked for, or an error.
    private static func endParsing(_ error: any Error) -> Never {
        let (text, code) = (LockstepCommand.fullMessage(for: error), LockstepCommand.exitCode(for: error))
        guard code == .success else {
            Console.printError(UsageText.line(LockstepCommand.message(for: error), arguments: arguments))
            Console.flush(isHurried: true)
            Glibc.exit(code.rawValue)
        }
        guard !text.isEmpty else { Glibc.exit(EXIT_SUCCESS) }
        do {
            try Console(verbosity: .normal).output(text)
        } catch {
            end(error)
        }
        Glibc.exit(EXIT_SUCCESS)
    }
}
