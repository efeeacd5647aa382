import ArgumentParser
import LockstepRuntime
import LockstepSharding
import LockstepSystem
import ZeroMQ

/// `lockstep coordinator`.
struct CoordinatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator",
        abstract: "Coordinate a run whose workers are started by hand, in other terminals.",
        discussion: """
            Examples:
              lockstep coordinator config/mnist-30.yaml --bind tcp://127.0.0.1:5555 --workers 2
              lockstep coordinator config/mnist-30.yaml --bind ipc:///tmp/run.ipc --workers 1:4 --shards 4

            For workers on other hosts (see lockstep keygen):
              lockstep coordinator config/mnist-30.yaml --bind 'tcp://*:5555' --keys keys --workers 8

            Then, for each worker:
              lockstep worker --connect tcp://127.0.0.1:5555
            """
    )

    @OptionGroup var options: RunOptions

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Where to listen: ipc:///path or tcp://127.0.0.1:port, where port 0 takes any free one; may be repeated.",
            valueName: "endpoint"))
    var bind: [String]

    @Option(
        help: ArgumentHelp(
            "Workers to wait for, or the fewest and the most. (default: as many as there are shards)",
            valueName: "n|min:max"))
    var workers: WorkerRange?

    @OptionGroup var keyOptions: KeyOptions

    @Flag(help: "Allow other hosts to connect without keys: anybody who reaches the port can read and steer the run.")
    var insecure = false

    func run() throws {
        let stop = try StopSignals.install()
        try Lifeline.standardInput?.endProcessWithIt()
        let endpoints = try bind.map { try Endpoint($0) }
        let keys = try keyOptions.coordinatorKeys()
        for endpoint in endpoints where !endpoint.staysOnHost && keys == nil && !insecure {
            throw UsageError(
                "--bind \(endpoint): other hosts could connect without keys; give --keys DIR (lockstep keygen makes "
                    + "them), bind to 127.0.0.1, or type --insecure to allow it")
        }
        guard workers != nil || options.shards != nil || options.resume else {
            throw UsageError(
                "give --workers or --shards, so that the run knows into how many parts to cut a mini-batch")
        }
        let range = try workers?.checked()
        guard let (run, resumed) = try options.prepare(workers: range?.upperBound ?? 1) else { return }
        let wanted = range ?? 1...run.schedule.shards
        let cluster = try Cluster(
            run, try options.clusterOptions(endpoints: endpoints, workers: wanted, keys: keys, for: run),
            stop: stop)
        let open = try options.openDirectory(for: run, resumed: resumed)
        let console = options.console
        for endpoint in cluster.endpoints { console.note("Listening on \(endpoint)") }
        console.note("Waiting for \(wanted.lowerBound == 1 ? "a worker" : "\(wanted.lowerBound) workers")")
        try options.train(run, on: cluster, stop: stop, in: open)
    }
}
