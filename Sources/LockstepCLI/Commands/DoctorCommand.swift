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
    @OptionGroup var consoleOptions: ConsoleOptions

    func run() throws {
        let console = consoleOptions.console
        var problems: [String] = []
        try console.output("lockstep     \(programVersion)")
        try console.output("host         \(Host.name), \(counted(Host.coreCount, "core"))")
        try console.output(
            "libzmq       \(ZeroMQLibrary.version), \(ZeroMQLibrary.hasCurve ? "with" : "without") CURVE")
        if !ZeroMQLibrary.hasCurve {
            problems.append("libzmq was built without CURVE, so keys cannot be used: install Debian's libzmq5")
        }
        try showKernels(on: console, &problems)
        try showLimits(on: console, &problems)
        if let connect { try measure(connect, on: console) }
        for problem in problems { console.warning(problem) }
        if !problems.isEmpty {
            throw CommandError(.unavailable, "\(counted(problems.count, "problem")) found")
        }
    }

    private func showKernels(on console: Console, _ problems: inout [String]) throws {
        let supported = NumericKernel.allCases.filter(\.isSupported)
        let best = NumericKernel.best.map { "; auto is \($0.rawValue)" } ?? ""
        try console.output("kernels      \(supported.map(\.rawValue).joined(separator: ", "))\(best)")
        guard let kernel = NumericKernel.best else {
            problems.append("this CPU has no AVX2, which every kernel needs")
            return
        }
        do {
            try console.output("compute      \(try ComputeLibrary.open(kernel).describeOneDNN())")
        } catch let error as OutputError {
            throw error
        } catch {
            problems.append("\(error)")
        }
    }

    /// Enough for 500 connections at once, and for the workers of the run itself.
    private static let minimumFiles = 1_024

    private func showLimits(on console: Console, _ problems: inout [String]) throws {
        let files = try Host.raiseDescriptorLimit()
        try console.output("open files   \(grouped(files))")
        if files < Self.minimumFiles {
            problems.append(
                "only \(files) files can be open at once, and each connection is one: raise the limit to "
                    + "\(Self.minimumFiles) or more (ulimit -Hn)")
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max {
            try console.output("memory       limited to \(grouped(Int(clamping: limit.rlim_cur))) bytes (ulimit -v)")
        }
        try console.output("cache        \(DataCache().directory)")
    }

    private func measure(_ text: String, on console: Console) throws {
        let client = try StatusClient(
            try Endpoint(text), security: try keyOptions.workerSecurity(), context: try Context())
        let link = try client.measure()
        try console.output("link         \(text)")
        try console.output("round trip   \(milliseconds(link.roundTrip))")
        try console.output(
            "bandwidth    \(decimal(link.upload / 1e6, 1)) MB/s there, \(decimal(link.download / 1e6, 1)) MB/s back")
    }
}
