import ArgumentParser
import LockstepTraining

/// The root command.
struct LockstepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lockstep",
        abstract: "Multi-process data-parallel training of neural networks, exact to the last bit.",
        discussion: """
            Examples:
              lockstep train config/mnist-30.yaml                 one process
              lockstep train config/mnist-30.yaml --workers 2     a coordinator and two workers on this host
              lockstep evaluate runs/RUN/best.safetensors         how good a trained network is
              lockstep predict runs/RUN/best.safetensors 7.png    what a picture shows

            In several terminals:
              lockstep coordinator config/mnist-30.yaml --bind tcp://127.0.0.1:5555 --workers 2
              lockstep worker --connect tcp://127.0.0.1:5555 --processes 2
            """,
        version: programVersion,
        subcommands: [
            TrainCommand.self, CoordinatorCommand.self, WorkerCommand.self, EvaluateCommand.self, PredictCommand.self,
            ExportCommand.self, BaselineCommand.self, ReportCommand.self, BenchCommand.self, ChaosCommand.self,
            DataCommand.self, KeygenCommand.self, StatusCommand.self, DoctorCommand.self,
        ]
    )
}

/// The entry point: turns every error into one line and an exit status of sysexits(3).
@main
enum Main {
    static func main() {
        CrashSignals.endAtOnce()
        do {
            var command = try LockstepCommand.parseAsRoot()
            try command.run()
        } catch {
            guard let status = ExitStatus(of: error) else { LockstepCommand.exit(withError: error) }
            if status.isWorthALine { Console.complain("\(error)") }
            status.exit()
        }
    }
}
