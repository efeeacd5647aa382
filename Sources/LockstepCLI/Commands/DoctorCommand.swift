import ArgumentParser
import Glibc
import LockstepCompute
import LockstepData
import LockstepRuntime
import LockstepSystem
import LockstepText
import LockstepTraining
import ZeroMQ

/// `lockstep doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show what this host offers and what it lacks; with --connect, also measure a link.",
        usage: "lockstep doctor [<options>]",
        discussion: """
            With --connect, a coordinator must listen there.

            Examples:
              lockstep doctor
              lockstep doctor --connect tcp://server:5555 --keys keys
            """
    )

    @Option(
        help: ArgumentHelp(
            "Measure latency and bandwidth to the coordinator that listens there.", valueName: "endpoint"))
    var connect: String?

    @OptionGroup var keyOptions: KeyOptions

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        var report = DoctorReport(
            programVersion: programVersion, host: Host.name, cores: Host.coreCount,
            libzmq: "\(ZeroMQLibrary.version)", hasCurve: ZeroMQLibrary.hasCurve)
        if !ZeroMQLibrary.hasCurve {
            report.problems.append(
                "libzmq was built without CURVE, so keys cannot be used: install Debian's libzmq5")
        }
        addKernels(to: &report)
        try addLimits(to: &report)
        // Without an answer the other findings are of use.
        let measured = Result { report.link = try connect.map(measure) }
        try console.output(json ? [try report.json()] : report.lines)
        try measured.get()
        for problem in report.problems { console.warning(problem) }
        if !report.problems.isEmpty {
            throw CommandError(.unavailable, "\(counted(report.problems.count, "problem")) found")
        }
    }

    private func addKernels(to report: inout DoctorReport) {
        report.kernels = NumericKernel.allCases.filter(\.isSupported).map(\.rawValue)
        report.bestKernel = NumericKernel.best?.rawValue
        guard let kernel = NumericKernel.best else {
            report.problems.append("this CPU has no AVX2, which every kernel needs")
            return
        }
        do {
            report.compute = try ComputeLibrary.open(kernel).describeOneDNN()
        } catch {
            report.problems.append("\(error)")
        }
    }

    /// Enough for 500 connections at once, and for the workers of the run itself.
    private static let minimumFiles = 1_024

    private func addLimits(to report: inout DoctorReport) throws {
        report.openFiles = try Host.raiseDescriptorLimit()
        if report.openFiles < Self.minimumFiles {
            report.problems.append(
                "only \(report.openFiles) files can be open at once, and each connection is one: raise the limit to "
                    + "\(Self.minimumFiles) or more (ulimit -Hn)")
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            report.addressSpaceLimit = Int(clamping: limit.rlim_cur)
        }
        report.cache = DataCache().directory
    }

    private func measure(_ text: String) throws -> DoctorReport.Link {
        let client = try StatusClient(
            try Endpoint(text), security: try keyOptions.workerSecurity(), context: try Context())
        let link = try client.measure()
        return DoctorReport.Link(
            endpoint: text, roundTripSeconds: link.roundTrip, uploadBytesPerSecond: link.upload,
            downloadBytesPerSecond: link.download)
    }
}
