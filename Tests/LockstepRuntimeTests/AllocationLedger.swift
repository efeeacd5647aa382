import CAllocations
import Synchronization

/// The current step of a run, for threads that record their allocations in it.
final class StepCounter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }

    func next() { count.add(1, ordering: .relaxed) }
}

/// Records how often one thread allocates in each step, in Lockstep's own code and in oneDNN. Recording allocates nothing
/// itself.
final class AllocationLedger: @unchecked Sendable {
    private static let frames = 12

    private let capacity: Int
    private let counts: UnsafeMutablePointer<Int>
    /// oneDNN's allocations in each step, and its allocations less what it freed.
    private let libraryCounts: UnsafeMutablePointer<(made: Int, kept: Int)>
    /// Return addresses of the last allocation of each step.
    private let sites: UnsafeMutablePointer<UnsafeRawPointer?>
    private var last = -1
    private var libraryLast = (made: 0, kept: 0)

    init(capacity: Int) {
        self.capacity = capacity
        counts = .allocate(capacity: capacity)
        counts.initialize(repeating: 0, count: capacity)
        libraryCounts = .allocate(capacity: capacity)
        libraryCounts.initialize(repeating: (0, 0), count: capacity)
        sites = .allocate(capacity: capacity * Self.frames)
        sites.initialize(repeating: nil, count: capacity * Self.frames)
    }

    deinit {
        counts.deallocate()
        libraryCounts.deallocate()
        sites.deallocate()
    }

    /// Records the allocations of the calling thread since its last call.
    func record(step: Int) {
        let now = allocations_of_thread()
        let made = one_dnn_allocations_of_thread()
        let library = (made: made, kept: made - one_dnn_frees_of_thread())
        defer { (last, libraryLast) = (now, library) }
        guard last >= 0, step < capacity else { return }
        libraryCounts[step].made += library.made - libraryLast.made
        libraryCounts[step].kept += library.kept - libraryLast.kept
        guard now > last else { return }
        counts[step] += now - last
        last_allocation(sites + step * Self.frames, Int32(Self.frames))
    }

    func count(inStep step: Int) -> Int { counts[step] }

    /// The allocations of oneDNN in a step, and how many of them it has not freed in that step.
    func libraryCount(inStep step: Int) -> (made: Int, kept: Int) { libraryCounts[step] }

    /// Describes the first steps of a range with allocations, and the code that made the last one of each.
    func offenders(_ steps: Range<Int>) -> [String] {
        steps.filter { counts[$0] > 0 }.prefix(3).map { step in
            "step \(step): \(counts[step]) allocations, the last by\n" + site(step).joined(separator: "\n")
        }
    }

    private func site(_ step: Int) -> [String] {
        (0..<Self.frames).compactMap { index -> String? in
            guard let address = sites[step * Self.frames + index] else { return nil }
            return "    " + (name_of_code(address).map { String(cString: $0) } ?? "\(address)")
        }
    }
}
