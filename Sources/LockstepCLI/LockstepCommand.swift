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
            """,
        version: programVersion,
        subcommands: [
            TrainCommand.self, CoordinatorCommand.self, WorkerCommand.self, EvaluateCommand.self, PredictCommand.self,
            ExportCommand.self, BaselineCommand.self, ReportCommand.self, BenchCommand.self, ChaosCommand.self,
            ReplayCommand.self, DataCommand.self, KeygenCommand.self, StatusCommand.self, DoctorCommand.self,
        ]
    )
}

/// The entry point: turns every error into one line and an exit status of sysexits(3).
@main
enum Main {
    static func main() {
        StandardStreams.fillGaps()
        ignoreWriteSignals()
        CrashSignals.endAtOnce()
        FileSystemLimits.setHandler { Console(verbosity: .normal).warning($0) }
        let arguments = ProgramArguments.bytes
        if let problem = problem(with: arguments) {
            Console.printError(problem)
            ExitStatus.usage.exit()
        }
        _ = try? Host.raiseDescriptorLimit()
        do {
            var command = try LockstepCommand.parseAsRoot(arguments.map { String(decoding: $0, as: UTF8.self) })
            try command.run()
        } catch {
            end(error)
        }
        if let status = Console.finish(after: nil) { status.exit() }
    }

    private static func end(_ error: any Error) -> Never {
        guard let status = ExitStatus(of: error) else { endParsing(error) }
        if status.isPrinted { Console.printError("\(error)") }
        (Console.finish(after: status) ?? status).exit()
    }

    /// Ends the process with what the argument parser has to say: help, which was asked for, or an error.
    private static func endParsing(_ error: any Error) -> Never {
        let (text, code) = (LockstepCommand.fullMessage(for: error), LockstepCommand.exitCode(for: error))
        guard code == .success, !text.isEmpty else { LockstepCommand.exit(withError: error) }
        do {
            try Console(verbosity: .normal).output(text)
        } catch {
            end(error)
        }
        Glibc.exit(EXIT_SUCCESS)
    }

    /// What is wrong with an argument that is not text, such as a file's name in another encoding; nil if all are text.
    /// Swift would see other bytes than were given, and open another file.
    private static func problem(with arguments: [[UInt8]]) -> String? {
        for (index, bytes) in arguments.enumerated() where String(validating: bytes, as: UTF8.self) == nil {
            let text = bytes.withUnsafeBufferPointer { String(printable: $0) }
            return
                "argument \(index + 1) is not UTF-8: \(text); give a file another name, or a link to it whose name is "
                + "UTF-8"
        }
        return nil
    }
}
