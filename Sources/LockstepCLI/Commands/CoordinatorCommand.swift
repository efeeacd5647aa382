import ArgumentParser
import LockstepRuns
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import LockstepText
import LockstepTraining
import ZeroMQ

/// `lockstep coordinator`.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Coordinate a run whose workers are started by hand, in other terminals.",
        discussion: """
            Examples:
              lockstep coordinator config/mnist-30.yaml \\
                  --bind tcp://127.0.0.1:5555 --workers 2
              lockstep coordinator config/mnist-30.yaml \\
                  --bind ipc:///tmp/run.ipc --workers 1:4 --shards 4

            For workers on other hosts (see lockstep keygen):
              lockstep coordinator config/mnist-30.yaml \\
                  --bind 'tcp://*:5555' --keys keys --workers 8

            Then, for each worker (the coordinator prints this line):
              lockstep worker --connect tcp://127.0.0.1:5555

            A job that may be started again, under a batch system:
              lockstep coordinator config/mnist-30.yaml --output runs/job \\
                  --resume=auto --bind 'tcp://*:0' --keys keys --workers 8
            """
    )

    @OptionGroup var options: RunOptions

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Where to listen: ipc:///path or tcp://127.0.0.1:port; port 0 takes any free port. Can be repeated.",
            valueName: "endpoint"))
    var bind: [String]

    @Option(
        help: ArgumentHelp(
            "Workers to wait for; or the fewest and the most. (default: the number of shards)",
            valueName: "n|min:max"))
    var workers: IntegerRange?

    @OptionGroup var keyOptions: KeyOptions
    @OptionGroup var advertiseOption: AdvertiseOption

    @Flag(help: "Let other hosts connect without keys: everyone who reaches the port can read and steer the run.")
    var insecure = false

    func run() throws {
        let stop = try StopSignals.install()
        try ParentChildSocket.standardInput?.exitProcessAtEnd()
        // Names are resolved before the rule is applied: what counts is who can reach their addresses.
        let endpoints = try bind.flatMap { try Endpoint($0).addressesToBind() }
        let keys = try keyOptions.coordinatorKeys()
        if let keys, keys.allowed.isEmpty, let folder = keyOptions.folder {
            options.console.warning(
                "\(folder)/allowed-workers names no key, so no worker can join over tcp; append the workers' public keys "
                    + "to it, one on each line, and start again")
        }
        for endpoint in endpoints where !endpoint.staysOnHost && keys == nil && !insecure {
            throw CommandError(
                .usage,
                "--bind \(endpoint): other hosts could connect without keys; give --keys DIR (lockstep keygen makes "
                    + "them), bind to 127.0.0.1, or give --insecure to allow it")
        }
        guard workers != nil || options.shards != nil || options.resumes else {
            throw CommandError(
                .usage, "give --workers or --shards: the run must know into how many shards to cut a mini-batch")
        }
        let advertised = try advertiseOption.checkedHost()
        let range = try workers?.checked(within: RunLimits.workers, option: "--workers", noun: "workers")
        let prepared = try options.prepare(workers: range?.upperBound ?? 1, stop: stop) {
            .remoteWorkers(range?.upperBound ?? $0.shards ?? 1)
        }
        guard let (run, assembly) = prepared else { return }
        let wanted = range ?? 1...run.schedule.shards
        let cluster = try Cluster(
            run, try options.clusterOptions(endpoints: endpoints, workers: wanted, keys: keys, for: run),
            stop: stop)
        let recorded = try options.recorded(run, assembly, stop: stop)
        for endpoint in cluster.endpoints { options.console.info("Listening on \(endpoint)") }
        let reachable = AdvertisedEndpoints.list(cluster.endpoints, advertising: advertised)
        options.console.info(Self.workerLine(reachable, hasKeys: keys != nil))
        options.console.info("Waiting for \(counted(wanted.lowerBound, "worker"))")
        let list = cluster.endpoints.map { "\($0)" }.joined(separator: ", ")
        ServiceManager.current?.ready(
            status: "Listening on \(list), waiting for \(counted(wanted.lowerBound, "worker"))")
        try recorded.train(on: cluster, reachableAt: reachable)
    }

    /// Says how to start a worker.
    static func workerLine(_ endpoints: [Endpoint], hasKeys: Bool) -> String {
        let list = endpoints.map { endpoint in
            let text = "\(endpoint)"
            // Shells read brackets as a pattern.
            return text.contains("[") ? "'\(text)'" : text
        }.joined(separator: ",")
        return "To start a worker: lockstep worker --connect \(list)" + (hasKeys ? " --keys DIR" : "")
    }
}
