import Glibc
import LockstepRuntime
package import LockstepSystem

extension StopSignals {
    /// Runs what comes before a run, when there is nothing to save: the first signal ends the process.
    ///
    /// - Throws: `RunError.interrupted` if a signal has arrived before; the errors of `body`.
    package func beforeRun<Result>(_ body: () throws -> Result) throws -> Result {
        guard let result = try endingAtOnce(body) else { throw RunError.interrupted(signal: requested ?? SIGTERM) }
        return result
    }
}
