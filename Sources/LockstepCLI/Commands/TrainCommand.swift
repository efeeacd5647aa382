import ArgumentParser
import LockstepArtifacts
import LockstepRuntime
import LockstepSystem

/// `lockstep train`.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a network on this host: in one process, or on a coordinator and workers.",
        discussion: """
            The weights depend on the configuration, the shards and the kernel, not on the workers: one process with
            --shards 4, four workers and three of which one dies give the same digits.

            Examples:
              lockstep train config/mnist-30.yaml
              lockstep train config/mnist-30.yaml --workers 2 --epochs 5
              lockstep train config/mnist-30.yaml --workers auto --shards 4 --output runs/first
              lockstep train config/mnist-30.yaml --set optimizer.sgd.learning-rate=0.5
              lockstep train config/mnist-30.yaml --output runs/first --resume --workers 3
            """
    )

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp(
            "Worker processes; auto: one a core, of which as many compute as are fastest. (default: none, this process "
                + "computes)", valueName: "n|auto"))
    var workers: WorkerCount?

    func run() throws {
        let stop = try StopSignals.install()
        let adapts = workers?.isAutomatic ?? false
        let workers = try workers?.checked()
        guard let (run, resumed) = try options.prepare(workers: workers ?? 1) else { return }
        if let workers {
            let cluster = try Cluster(
                run,
                try options.clusterOptions(endpoints: [], workers: workers...workers, adapts: adapts, for: run),
                stop: stop)
            let open = try options.openDirectory(for: run, resumed: resumed)
            try cluster.startLocalWorkers(workers, arguments: [], log: open.directory.workerLog)
            try options.train(run, on: cluster, stop: stop, in: open)
        } else {
            try options.train(run, stop: stop, in: try options.openDirectory(for: run, resumed: resumed))
        }
    }
}
