import Glibc
import LockstepCluster
import LockstepRuntime
import LockstepSystem
import LockstepTimeline
import Synchronization
import ZeroMQ

/// Watches a run from outside, as `lockstep status` does, some hundred times a second.
final class RunWatch: Sendable {
    /// What the last status report said.
    struct View: Sendable {
        /// The current step; nil before the first.
        var step: UInt64?
        /// The processes of the workers that have joined.
        var members: Set<Int32> = []
        /// When step or workers last changed.
        var changedAt = Instant.now
    }

    private let view = Locked(View())
    private let isOver = Atomic(false)

    /// - Throws: `SystemError` if a thread cannot be made.
    init(_ endpoint: Endpoint, security: ConnectionSecurity, context: Context) throws(SystemError) {
        _ = try Thread(name: "watch") { [self] in
            while !isOver.load(ordering: .relaxed) {
                // Without an answer from the coordinator the last report stays.
                let client = try? StatusClient(endpoint, security: security, context: context, limit: 0.5)
                while !isOver.load(ordering: .relaxed), let report = try? client?.status() {
                    update(with: report.cluster)
                    usleep(4_000)
                }
                usleep(4_000)
            }
        }
    }

    var latest: View { view.withLock { $0 } }

    func end() { isOver.store(true, ordering: .relaxed) }

    private func update(with status: ClusterStatus) {
        let members = status.workers.filter { $0.state != .preparing }.map { Int32(bitPattern: $0.processID) }
        view.withLock { view in
            let isNew = view.step != status.step || view.members != Set(members)
            view = View(
                step: status.step, members: Set(members), changedAt: isNew ? Instant.now : view.changedAt)
        }
    }
}
