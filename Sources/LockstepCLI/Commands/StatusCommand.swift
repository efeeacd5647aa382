import ArgumentParser
import LockstepCluster
import LockstepRuntime
import ZeroMQ

/// `lockstep status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show who is in a run, who is slow, and which step it has come to.",
        discussion: """
            Examples:
              lockstep status tcp://127.0.0.1:5555
              lockstep status tcp://server:5555 --keys keys
            """
    )

    @Argument(help: "Where the coordinator listens.")
    var endpoint: String

    @OptionGroup var keyOptions: KeyOptions
    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let inquiry = try Inquiry(
            try Endpoint(endpoint), security: try keyOptions.workerSecurity(), context: try Context())
        let report = try inquiry.status()
        let console = consoleOptions.console
        console.result("\(report.name): \(phase(of: report))")
        for worker in report.cluster.workers {
            let pace = report.paces[worker.member].map { "\(decimal(Double($0) / 1e6, 2)) ms a node" } ?? "-"
            let slow = report.isSlow(worker) ? "   slow" : ""
            console.result(
                "  worker \(worker.member)   \(worker.host), pid \(worker.processID)   \(worker.state.rawValue)   "
                    + "\(pace)\(slow)")
        }
        console.result(
            "\(report.cluster.joined) joined, \(report.cluster.lost) lost, "
                + "\(report.cluster.shardsReassigned) shards handed on; lockstep \(report.programVersion)")
    }

    private func phase(of report: StatusReport) -> String {
        guard let step = report.cluster.step else { return report.cluster.phase.rawValue }
        let total = report.epochs * report.stepsPerEpoch
        let epoch = Int(clamping: step) / max(1, report.stepsPerEpoch)
        return "\(report.cluster.phase.rawValue), step \(grouped(Int(clamping: step))) of \(grouped(total)), "
            + "epoch \(min(epoch, max(0, report.epochs - 1)))"
    }
}
