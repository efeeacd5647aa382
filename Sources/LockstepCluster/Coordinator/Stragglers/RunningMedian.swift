/// The median of the measurements of the last steps. Adding a measurement allocates nothing and moves at most a few
/// hundred numbers.
package struct RunningMedian: Sendable {
    private struct Entry: Sendable {
        let step: UInt64
        let value: Double
    }

    /// The number of last steps whose measurements count.
    private let window: UInt64
    private let capacity: Int
    /// A ring buffer of the measurements in order of arrival; `first` is the index of the oldest.
    private var entries: [Entry] = []
    private var first = 0
    private var sorted: [Double] = []

    /// - Parameters:
    ///   - window: The number of last steps whose measurements count.
    ///   - capacity: The most measurements that are kept. At this number each new one replaces the oldest.
    package init(window: UInt64, capacity: Int) {
        self.window = window
        self.capacity = capacity
        entries.reserveCapacity(capacity)
        sorted.reserveCapacity(capacity + 1)
    }

    /// The median, the lower of the two middle values of an even number; nil without measurements.
    package var value: Double? {
        sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }

    /// Adds a measurement. `step` never decreases.
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

    /// The first position in `sorted` whose value is not less than `value`.
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
