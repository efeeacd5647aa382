package import Testing

/// Runs one test at a time among all suites that have this trait: `@Suite(.oneAtATime)`, for tests that start
/// processes.
///
/// All test targets run in one process and in parallel, and `.serialized` applies only within its suite. Runs of
/// several processes at the same time on a few cores would only wait for each other.
package struct OneAtATime: SuiteTrait, TestTrait, TestScoping {
    package let isRecursive = true

    package func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
        testCase == nil ? nil : self
    }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        await ProcessGate.shared.enter()
        do {
            try await function()
        } catch {
            await ProcessGate.shared.leave()
            throw error
        }
        await ProcessGate.shared.leave()
    }
}

extension Trait where Self == OneAtATime {
    /// Runs the tests one after the other, and not at the same time as any other test with this trait.
    package static var oneAtATime: Self { Self() }
}

/// A lock whose waiting tasks do not block their threads.
private actor ProcessGate {
    static let shared = ProcessGate()

    private var isLocked = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        guard isLocked else {
            isLocked = true
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    /// Passes the lock to the task that has waited longest.
    func leave() {
        if waiters.isEmpty {
            isLocked = false
        } else {
            waiters.removeFirst().resume()
        }
    }
}
