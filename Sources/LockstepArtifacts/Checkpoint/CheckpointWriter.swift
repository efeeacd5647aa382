package import LockstepModel
import LockstepNumerics
import LockstepSystem
package import LockstepTimeline
package import LockstepTraining
import Synchronization

/// Writes checkpoints while training continues.
///
/// A state is copied between two steps into buffers that were allocated before the first step; another thread writes it.
package final class CheckpointWriter: CheckpointStore, @unchecked Sendable {
    /// What happened to a checkpoint; reported on the writing thread.
    package enum Notice: Sendable {
        /// `isRequested`: it was asked for, not due by the clock.
        case saved(step: UInt64, isRequested: Bool)
        /// The run continues; `previous` is the step of the newest checkpoint on the disk.
        case failed(step: UInt64, previous: UInt64?, ArtifactError)
        /// A file that the run was to go back to is not intact; an older one is used.
        case damaged(ArtifactError)
    }

    private let folder: CheckpointFolder
    private let layout: ParameterLayout
    private let identity: RunIdentity
    private let requestCount: () -> Int
    private let notify: @Sendable (Notice) -> Void
    private let hook: AtomicFile.Hook

    /// Used by the same thread as `copy`.
    private var schedule: CheckpointSchedule
    private var requestsSeen: Int
    /// Whether the copy was asked for; used as `copy` is.
    private var isRequested = false
    /// The copy. The writing thread uses it while `isWriting`, the training thread otherwise.
    private var copy: TrainingState?
    private let isWriting = Atomic<Bool>(false)
    private var thread: LockstepSystem.Thread?
    /// The newest state on the disk; used by the same thread as `copy`.
    private var saved: (step: UInt64, epoch: Int)?

    /// - Parameters:
    ///   - folder: Where to write.
    ///   - layout: The layout of the run's network.
    ///   - identity: What the run's weights depend on.
    ///   - every: Seconds between checkpoints; 0: no checkpoints by the clock.
    ///   - previous: The step of the checkpoint that the run was resumed from.
    ///   - requestCount: How often a checkpoint was requested: by a signal, or because workers leave; called after every
    ///     step.
    ///   - notify: Called after each checkpoint.
    package convenience init(
        folder: CheckpointFolder, layout: ParameterLayout, identity: RunIdentity, every: Double,
        previous: TrainingProgress? = nil, requestCount: @escaping () -> Int = { 0 },
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.init(
            folder: folder, layout: layout, identity: identity, every: every, previous: previous,
            requestCount: requestCount, hook: { _ in }, notify: notify)
    }

    init(
        folder: CheckpointFolder, layout: ParameterLayout, identity: RunIdentity, every: Double,
        previous: TrainingProgress?, requestCount: @escaping () -> Int, hook: @escaping AtomicFile.Hook,
        notify: @escaping @Sendable (Notice) -> Void
    ) {
        self.folder = folder
        self.layout = layout
        self.identity = identity
        self.requestCount = requestCount
        self.hook = hook
        self.notify = notify
        self.requestsSeen = requestCount()
        self.schedule = CheckpointSchedule(period: every > 0 ? .seconds(every) : nil, start: .now)
        self.saved = previous.map { ($0.step, $0.epoch) }
    }

    package func prepare(for state: TrainingState) {
        copy = TrainingState(
            progress: state.progress, parameters: FloatBuffer(count: state.parameters.count),
            optimizer: state.optimizer.map { ($0.name, FloatBuffer(count: $0.buffer.count)) })
        // The first copy touches the pages, so that no step has to.
        makeCopy(of: state)
    }

    package func isDue(at now: Instant) -> Bool {
        // With a disk that is slower than the period, checkpoints become rarer; steps do not become slower.
        !isWriting.load(ordering: .acquiring) && (schedule.isDue(at: now) || requestCount() != requestsSeen)
    }

    package func save(_ state: TrainingState, isLast: Bool) {
        thread.take()?.join()
        let requests = requestCount()
        isRequested = requests != requestsSeen
        requestsSeen = requests
        schedule.stateWasCopied(at: .now)
        guard saved.map({ $0 != (state.progress.step, state.progress.epoch) }) ?? true else {
            if isRequested { notify(.saved(step: state.progress.step, isRequested: true)) }
            return
        }
        makeCopy(of: state)
        if isLast {
            // The copy was damaged: no later state will be saved.
            if case .malformed? = write() {
                makeCopy(of: state)
                write()
            }
            return
        }
        isWriting.store(true, ordering: .releasing)
        do {
            thread = try LockstepSystem.Thread(name: "checkpoint") { [self] in
                write()
                isWriting.store(false, ordering: .releasing)
            }
        } catch {
            // Without a thread, training waits.
            write()
            isWriting.store(false, ordering: .releasing)
        }
    }

    package func newest() throws -> TrainingState? {
        thread.take()?.join()
        let found = try folder.newest(layout: layout)
        for error in found.damaged { notify(.damaged(error)) }
        let state = found.checkpoint?.state
        saved = state.map { ($0.progress.step, $0.progress.epoch) }
        return state
    }

    private func makeCopy(of state: TrainingState) {
        guard let copy else { preconditionFailure("a state was saved before the store was prepared") }
        copy.parameters.pointer.update(from: state.parameters.pointer, count: copy.parameters.count)
        for ((_, target), (_, source)) in zip(copy.optimizer, state.optimizer) {
            target.pointer.update(from: source.pointer, count: target.count)
        }
        self.copy?.progress = state.progress
        self.copy?.sums = state.sums
    }

    /// Writes the copy.
    ///
    /// - Returns: Why it could not be written; nil if it was.
    @discardableResult
    private func write() -> ArtifactError? {
        guard let copy else { return nil }
        let step = copy.progress.step
        do throws(ArtifactError) {
            try folder.write(Checkpoint(identity: identity, state: copy), layout: layout, before: hook)
            schedule.stateWasSaved(at: .now)
            saved = (step, copy.progress.epoch)
            notify(.saved(step: step, isRequested: isRequested))
            return nil
        } catch {
            notify(.failed(step: step, previous: saved?.step, error))
            return error
        }
    }
}
