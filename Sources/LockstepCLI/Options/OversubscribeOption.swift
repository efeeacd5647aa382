import ArgumentParser
import LockstepSystem
import LockstepText

/// `--oversubscribe`: more processes on this host than can have anything to do at once.
struct OversubscribeOption: ParsableArguments {
    @Flag(help: "Start more processes than this machine or the mini-batch can use.")
    var oversubscribe = false

    /// Processes on a core beyond which they only wait for each other. Trials with a few on each are of use, for example of
    /// a plan that is meant for another machine.
    private static let processesPerCore = 4
    /// As many are allowed on the smallest machine.
    private static let always = 16

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
        let most = max(Self.always, Self.processesPerCore * cores)
        guard count <= most else {
            throw CommandError(
                .usage,
                "\(option) \(count): with \(counted(cores, "core")), more than \(grouped(most)) processes only wait for "
                    + "each other; start fewer, or give --oversubscribe")
        }
    }
}
