import ArgumentParser
import LockstepLaunch
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
        abstract: "Train a network: in one process, or on a coordinator and workers, here or on other hosts.",
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
              lockstep train config/mnist-30.yaml --output runs/job --resume=auto

            On other hosts, where ssh logs in without questions and lockstep is
            installed (see lockstep worker for starting workers by hand):
              lockstep train config/mnist-30.yaml --hosts a,b:4
              lockstep train config/mnist-30.yaml --hosts 'n[01-08]' --tunnel
              lockstep train config/mnist-30.yaml --hostfile hosts.txt \\
                  --remote /opt/lockstep/bin/lockstep

            In a batch script of Slurm, or after salloc:
              exec lockstep train config/mnist-30.yaml --slurm --resume=auto \\
                  --output runs/job
            """
    )

    @OptionGroup var options: RunOptions

    @Option(
        help: ArgumentHelp(
            "Worker processes; auto: one a core, of which the fastest number computes. (default: none; this process "
                + "computes)", valueName: "n|auto"))
    var workers: WorkerCount?

    @OptionGroup var oversubscription: OversubscribeOption
    @OptionGroup var launchOptions: LaunchOptions

    func run() throws {
        let use = ProcessorUse()
        // Slurm sends SIGUSR1 before the time limit ends the job.
        let stop = try StopSignals.install(shutsDownOnRequest: launchOptions.slurmOptions.slurm)
        // A run of a sweep ends with the sweep.
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        if let target = try launchOptions.target() { return try train(on: target, stop: stop) }
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
        if !adapts, let line = Self.line(workers: workers, shards: run.schedule.shards, isResumed: options.resumes) {
            options.console.info(line)
        }
        let cluster = try Cluster(
            run, try options.clusterOptions(endpoints: [], workers: workers...workers, adapts: adapts, for: run),
            stop: stop)
        try options.recorded(run, assembly, stop: stop).train(on: cluster, startingWorkers: workers, use: use)
    }

    /// Trains on workers of other hosts, which this process starts.
    private func train(on target: LaunchOptions.Target, stop: StopSignals) throws {
        do {
            try trainOnHosts(of: target, stop: stop)
        } catch {
            guard case .slurm(let allocation) = target else { throw error }
            throw try launchOptions.slurmOptions.ending(of: error, allocation, options.console)
        }
    }

    private func trainOnHosts(of target: LaunchOptions.Target, stop: StopSignals) throws {
        guard workers == nil else {
            throw CommandError(
                .usage,
                "--workers starts workers here, --hosts and --slurm elsewhere: leave one out, or name this host in --hosts"
            )
        }
        let hosts = target.hosts
        let count = hosts.reduce(0) { $0 + $1.processes }
        guard RunLimits.workers.contains(count) else {
            throw CommandError(
                .usage,
                "the hosts have \(grouped(count)) processes: a run has at most "
                    + "\(grouped(RunLimits.workers.upperBound)) workers")
        }
        let prepared = try options.prepare(workers: count, stop: stop) { _ in .remoteWorkers(count) }
        guard let (run, assembly) = prepared else { return }
        if let line = Self.line(workers: count, shards: run.schedule.shards, isResumed: options.resumes) {
            options.console.info(line)
        }
        let keys = try launchOptions.makeKeys()
        let cluster = try Cluster(
            run,
            try options.clusterOptions(
                endpoints: launchOptions.endpoints, workers: count...count, keys: keys, for: run),
            stop: stop)
        let settings = try launchOptions.settings(
            for: target, cluster, options, keys, allowsOversubscription: oversubscription.oversubscribe,
            start: run.configuration.timeouts.start)
        let recorded = try options.recorded(run, assembly, stop: stop)
        for endpoint in cluster.endpoints { options.console.info("Listening on \(endpoint)") }
        options.console.info(
            "Starting \(counted(count, "worker")) on \(counted(hosts.count, "host")) \(target.way)")
        try recorded.train(on: cluster, startingRemoteWorkers: { try HostWorkers(hosts, settings) })
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
