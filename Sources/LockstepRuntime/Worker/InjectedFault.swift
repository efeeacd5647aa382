import Glibc
import LockstepCluster
import LockstepSystem

/// A fault that a test asks a worker for, in the environment variable `LOCKSTEP_FAULT`; unset in every real run.
///
///     flip              the first number but zero of every gradient that it sends has a wrong bit
///     hang              it computes without end, while its I/O thread answers
///     hang=SECONDS      the same, but it comes back
///     slow=MILLISECONDS every node takes so much longer
///     fail              it gives up with an error
///
/// `@STEP` behind it says from which step on (a hang happens once), `#NUMBER` which of the workers that `train` or `chaos` starts.
package struct InjectedFault {
    private enum Kind {
        case flip
        case hang(seconds: Double)
        case slow(milliseconds: Double)
        case fail
    }

    static let variable = "LOCKSTEP_FAULT"
    /// The number that `train` and `chaos` give to a worker they start.
    package static let numberVariable = "LOCKSTEP_WORKER"

    private var kind: Kind?
    private var firstStep: UInt64 = 0

    /// What this process's environment asks for; nothing if it makes no sense.
    static var fromEnvironment: InjectedFault {
        guard let text = getenv(variable) else { return InjectedFault() }
        return InjectedFault(String(cString: text), worker: getenv(numberVariable).map { String(cString: $0) })
    }

    private init() {}

    private init(_ text: String, worker: String?) {
        let parts = text.split(separator: "#", maxSplits: 1)
        if parts.count == 2, worker != String(parts[1]) { return }
        let words = (parts.first ?? "").split(separator: "@", maxSplits: 1)
        if words.count == 2 { firstStep = UInt64(words[1]) ?? 0 }
        let assignment = (words.first ?? "").split(separator: "=", maxSplits: 1)
        let value = assignment.count == 2 ? Double(assignment[1]) ?? 0 : 0
        switch assignment.first {
        case "flip": kind = .flip
        case "hang": kind = .hang(seconds: assignment.count == 2 ? value : .infinity)
        case "fail": kind = .fail
        case "slow": kind = .slow(milliseconds: value)
        default: kind = nil
        }
    }

    /// Called before a unit is computed.
    ///
    /// - Throws: What it gives up with.
    mutating func willCompute(_ unit: WorkItem) throws(SystemError) {
        guard unit.step >= firstStep else { return }
        switch kind {
        case .hang(let seconds):
            kind = nil
            let whole = min(seconds, 1e6)
            sleep(UInt32(whole))
            usleep(UInt32((whole - whole.rounded(.down)) * 1e6))
        case .slow(let milliseconds):
            usleep(UInt32(max(0, min(milliseconds, 1e6)) * 1e3))
        case .fail:
            throw SystemError("compute \(unit)", code: EIO)
        case .flip, nil:
            break
        }
    }

    /// Called with the floats of an answer before they are sent.
    func willSend(_ floats: UnsafeRawBufferPointer, of unit: WorkItem) {
        guard case .flip = kind, unit.step >= firstStep else { return }
        let words = UnsafeMutableRawBufferPointer(mutating: floats).bindMemory(to: UInt32.self)
        guard let first = words.firstIndex(where: { $0 << 1 != 0 }) else { return }
        // Of the mantissa, so that it stays a number.
        words[first] ^= 1 << 22
    }
}
