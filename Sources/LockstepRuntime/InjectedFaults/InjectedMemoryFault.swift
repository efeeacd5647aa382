import Glibc
package import LockstepData
import LockstepNumerics
package import LockstepTimeline
package import LockstepTraining

/// A fault of the memory that a test injects through the environment variable `LOCKSTEP_FAULT`, which is unset in real runs.
///
///     weights      flips a bit of the weights
///     optimizer    flips a bit of the optimizer's memory
///     data         flips a bit of the data set
///
/// An appended `@STEP` selects the first step after which it happens, once. Workers have faults of their own, see
/// ``InjectedFault``.
package final class InjectedMemoryFault: CheckpointStore {
    private enum Target: String {
        case weights, optimizer, data
    }

    private let store: any CheckpointStore
    private let dataset: Dataset
    private let target: Target
    private var stepsLeft: Int
    private var isDone = false
    /// The memory of the run: the even or odd version of its weights, and the optimizer's.
    private var memory: TrainingState?

    /// Returns a store that injects the fault of this process's environment, or the store itself where there is none.
    package static func wrap(_ store: (any CheckpointStore)?, _ dataset: Dataset) -> (any CheckpointStore)? {
        guard let store, let text = getenv(InjectedFault.variable) else { return store }
        let words = String(cString: text).split(separator: "@", maxSplits: 1)
        guard let target = words.first.flatMap({ Target(rawValue: String($0)) }) else { return store }
        return InjectedMemoryFault(store, dataset, target, after: words.count == 2 ? Int(words[1]) ?? 0 : 0)
    }

    private init(_ store: any CheckpointStore, _ dataset: Dataset, _ target: Target, after steps: Int) {
        self.store = store
        self.dataset = dataset
        self.target = target
        self.stepsLeft = steps
    }

    package func prepare(for state: TrainingState) {
        memory = state
        store.prepare(for: state)
    }

    package func isDue(at now: Instant) -> Bool {
        stepsLeft -= 1
        // Every other step has its weights here.
        if !isDone, stepsLeft <= 0, stepsLeft.isMultiple(of: 2) {
            isDone = true
            inject()
        }
        return store.isDue(at: now)
    }

    private func inject() {
        switch target {
        case .weights:
            if let weights = memory?.parameters { flip(weights.pointer + weights.count / 2) }
        case .optimizer:
            if let buffer = memory?.optimizer.last?.buffer { flip(buffer.pointer + buffer.count / 2) }
        case .data:
            try? dataset.flipBit(ofByte: dataset.description.trainingCount * dataset.description.inputSize / 2)
        }
    }

    private func flip(_ number: UnsafeMutablePointer<Float>) {
        number.pointee = Float(bitPattern: number.pointee.bitPattern ^ (1 << 21))
    }

    package func save(_ state: TrainingState, isLast: Bool) { store.save(state, isLast: isLast) }

    package func newest() throws -> TrainingState? { try store.newest() }
}
