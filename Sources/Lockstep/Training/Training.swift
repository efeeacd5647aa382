import LockstepSystem
import Synchronization

/// A training that is going on, on a thread of its own.
///
/// ```swift
/// let training = try network.training(on: digits, configuration, on: .workers(4), recording: "runs/first")
/// for await event in training.events {
///     if case .epoch(let epoch) = event { print(epoch) }
/// }
/// let result = try await training.result
/// ```
///
/// The training goes on if its value is dropped: ``stop()`` ends it.
public final class Training: Sendable {
    /// What happens, in order, until the training ends. One task may read it. An unread stream keeps the newest 4,096 events.
    public let events: AsyncStream<TrainingEvent>

    private let continuation: AsyncStream<TrainingEvent>.Continuation
    private let signals: StopSignals
    private let state = Mutex(State.running([]))

    private typealias Waiting = CheckedContinuation<Result<TrainingResult, LockstepError>, Never>

    private enum State: Sendable {
        /// With the tasks that wait for the result.
        case running([Waiting])
        case ended(Result<TrainingResult, LockstepError>)
    }

    /// Starts a training.
    init(_ plan: TrainingPlan) throws(LockstepError) {
        let signals = try withPublicErrors { try StopSignals.byRequest() }
        self.signals = signals
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(4_096))
        do throws(SystemError) {
            _ = try Thread(name: "training") { [self] in
                let result: Result<TrainingResult, LockstepError>
                do throws(LockstepError) {
                    result = .success(
                        try plan.run(
                            stop: signals, emit: { [continuation] in continuation.yield($0) },
                            notify: { [continuation] in continuation.yield(.notice($0)) }))
                } catch {
                    result = .failure(error)
                }
                finish(result)
            }
        } catch {
            throw LockstepError(error)
        }
    }

    /// Asks the training to end after the step under way. Its state is saved first if it is recorded.
    public func stop() { signals.request() }

    /// Asks for a checkpoint after the step under way, if the training is recorded.
    public func saveCheckpoint() { signals.requestSave() }

    /// How the training ended, once it has.
    ///
    /// If the waiting task is cancelled, the training stops in order first.
    ///
    /// - Throws: ``LockstepError`` if the training failed, `CancellationError` if the task was cancelled.
    public var result: TrainingResult {
        get async throws {
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { (waiting: Waiting) in
                    let ended = state.withLock { state -> Result<TrainingResult, LockstepError>? in
                        switch state {
                        case .ended(let result): return result
                        case .running(let others):
                            state = .running(others + [waiting])
                            return nil
                        }
                    }
                    if let ended { waiting.resume(returning: ended) }
                }
            } onCancel: {
                stop()
            }
            if Task.isCancelled { throw CancellationError() }
            return try result.get()
        }
    }

    private func finish(_ result: Result<TrainingResult, LockstepError>) {
        let waiting = state.withLock { state -> [Waiting] in
            guard case .running(let waiting) = state else { return [] }
            state = .ended(result)
            return waiting
        }
        continuation.finish()
        for task in waiting { task.resume(returning: result) }
    }
}
