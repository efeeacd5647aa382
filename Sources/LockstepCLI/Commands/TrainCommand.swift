import ArgumentParser
import LockstepRuns
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepText
import LockstepTraining

/// `lockstep train`.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a network on this host: in one process, or on a coordinator and workers.",
        discussion: """
            The weights depend on the configuration, the number of shards and the
            kernel, but not on the workers: one process with --shards 4, four workers,
            and four workers of which one dies end with the same digits.

            Examples:
              lockstep train config/mnist-30.yaml
              lockstep train config/mnist-30.yaml --workers 2 --epochs 5
              lockstep train config/mnist-30.yaml --workers auto --shards 4 \\
                  --output runs/first
              lockstep train config/mnist-30.yaml --set optimizer.sgd.learning-rate=0.5
              lockstep train config/mnist-30.yaml --set data.training=1000 \\
                  --set training.early-stopping.patience=5
              lockstep train config/mnist-30.yaml --output runs/first --resume
            """
    )

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp(
            "Worker processes; auto: one a core, of which the fastest number computes. (default: none; this process "
                + "computes)", valueName: "n|auto"))
    var workers: WorkerCount?

    @OptionGroup var oversubscription: OversubscribeOption

    func run() throws {
        let use = ProcessorUse()
        let stop = try StopSignals.install()
        let adapts = workers?.isAutomatic ?? false
        let workers = try workers?.checked()
        let prepared = try options.prepare(workers: workers ?? 1, stop: stop) { configuration in
            guard let workers else { return .oneProcess }
            // One worker a core is what `auto` means, however small the mini-batch is.
            try oversubscription.check(
                workers, option: "--workers", batch: adapts ? nil : configuration.training.batch)
            return .localWorkers(workers)
        }
        guard let (run, assembly) = prepared else { return }
        guard let workers else {
            return try options.recorded(run, assembly, stop: stop, isOneProcess: true).train()
        }
        if !adapts, let line = Self.line(workers: workers, shards: run.schedule.shards, isResumed: options.resume) {
            options.console.info(line)
        }
        let cluster = try Cluster(
            run, try options.clusterOptions(endpoints: [], workers: workers...workers, adapts: adapts, for: run),
            stop: stop)
        try options.recorded(run, assembly, stop: stop).train(on: cluster, startingWorkers: workers, use: use)
    }

    /// Says that some workers will have no gradients to compute; nil if each has its shards.
    static func line(workers: Int, shards: Int, isResumed: Bool) -> String? {
        guard workers > shards else { return nil }
        let rule = isResumed ? ", which a resumed run keeps" : ""
        let spares = workers - shards
        return "The run has \(counted(shards, "shard"))\(rule): of \(grouped(workers)) workers, \(grouped(spares)) "
            + "\(spares == 1 ? "has" : "have") no gradients to compute until another is lost"
    }
}
