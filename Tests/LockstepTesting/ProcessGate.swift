package import Testing

/// Lets one test at a time start processes, whichever suite it is in: `@Suite(.oneAtATime)`.
///
/// All test targets run in one process and in parallel, and `.serialized` holds within its suite alone. Runs of
/// several processes beside each other on a few cores would only wait for one another.
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
    /// Runs the tests one after the other, and no other test that says so beside them.
    package static var oneAtATime: Self { Self() }
}

/// A lock whose waiters give their thread away.
private actor ProcessGate {
    static let shared = ProcessGate()

    private var isTaken = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    /// Hands the lock to the one who has waited longest.
    func leave() {
        if waiters.isEmpty {
            isTaken = false
        } else {
            waiters.removeFirst().resume()
        }
    }
}
