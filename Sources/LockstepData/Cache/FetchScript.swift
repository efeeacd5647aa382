import Glibc
import LockstepSystem

/// The script that fetches the known data sets.
package enum FetchScript {
    /// Its path in a checkout.
    package static let inCheckout = "scripts/fetch-data"

    /// Its path for users of this process's program.
    package static let path = path(forProgram: (try? Host.executablePath) ?? "")

    /// Looks for the script that `scripts/install` and the Debian package put below the program's prefix.
    ///
    /// - Parameter program: The absolute path of the program.
    /// - Returns: That script's path; without it, the path in a checkout.
    package static func path(forProgram program: String) -> String {
        let prefix = program.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        let installed = prefix + "/share/lockstep/scripts/fetch-data"
        return access(installed, X_OK) == 0 ? installed : inCheckout
    }
}

extension KnownDataset {
    /// The command that fetches it.
    package var fetchCommand: String { "\(FetchScript.path) \(folder)" }
}
