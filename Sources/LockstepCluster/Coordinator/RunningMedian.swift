/// The median of the measurements of the last steps. Adding a measurement allocates nothing, and moves a few hundred numbers
/// at most.
package struct RunningMedian: Sendable {
    private struct Entry: Sendable {
        let step: UInt64
        let value: Double
    }

    /// Steps whose measurements count.
    private let window: UInt64
    private let capacity: Int
    /// A ring, from `first` on, in the order in which the measurements came.
    private var entries: [Entry] = []
    private var first = 0
    private var sorted: [Double] = []

    /// - Parameters:
    ///   - window: Steps whose measurements count.
    ///   - capacity: The most measurements that are kept; then each new one replaces the oldest.
    package init(window: UInt64, capacity: Int) {
        self.window = window
        self.capacity = capacity
        entries.reserveCapacity(capacity)
        sorted.reserveCapacity(capacity + 1)
    }

    /// The median, the lower one of two in the middle; nil without measurements.
    package var value: Double? {
        sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }

    /// Adds a measurement. Steps never decrease.
    package mutating func add(_ value: Double, step: UInt64) {
        while sorted.count > 0, entries[first].step + window <= step { removeOldest() }
        if sorted.count == capacity { removeOldest() }
        let entry = Entry(step: step, value: value)
        let position = (first + sorted.count) % capacity
        if position == entries.count { entries.append(entry) } else { entries[position] = entry }
        sorted.insert(value, at: index(of: value))
    }

    private mutating func removeOldest() {
        sorted.remove(at: index(of: entries[first].value))
        first = (first + 1) % capacity
    }

    /// The first position in `sorted` whose number is not less.
    private func index(of value: Double) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
