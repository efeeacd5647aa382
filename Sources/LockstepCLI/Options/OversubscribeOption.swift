import ArgumentParser
import LockstepSystem
import LockstepText

/// `--oversubscribe`: more processes on this host than can have anything to do at once.
struct OversubscribeOption: ParsableArguments {
    @Flag(help: "Start more processes than this machine or the mini-batch can use.")
    var oversubscribe = false

    /// The most processes for each core. A few on each core are useful, for example to try a plan for another machine.
    private static let processesPerCore = 4
    /// The limit on the smallest machines.
    private static let minimumLimit = 16

    /// Checks the number of processes that a command is to start here.
    ///
    /// - Parameters:
    ///   - count: The number.
    ///   - option: The option that gives it, for the error.
    ///   - batch: Samples of a mini-batch, of which each worker needs at least one; nil: not known here.
    ///   - cores: The cores that can be used.
    /// - Throws: `CommandError` if some of the processes could do nothing.
    func check(_ count: Int, option: String, batch: Int? = nil, cores: Int = Host.coreCount) throws {
        guard !oversubscribe else { return }
        if let batch, count > batch {
            throw CommandError(
                .usage,
                "\(option) \(count): a mini-batch of \(counted(batch, "sample")) has work for \(grouped(batch)) at most; "
                    + "start fewer, or give --oversubscribe")
        }
        let maximum = max(Self.minimumLimit, Self.processesPerCore * cores)
        guard count <= maximum else {
            throw CommandError(
                .usage,
                "\(option) \(count): with \(counted(cores, "core")), more than \(grouped(maximum)) processes only wait for "
                    + "each other; start fewer, or give --oversubscribe")
        }
    }
}
