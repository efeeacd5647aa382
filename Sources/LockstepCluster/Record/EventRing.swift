package import LockstepTimeline

/// A ring buffer of the last events and actions of a process, which explain a failure. A full ring allocates nothing.
struct EventRing<Entry: Sendable>: Sendable {
    private var entries: [(instant: Instant, entry: Entry)] = []
    private let capacity: Int
    /// The position of the oldest entry in a full ring; 0 before.
    private var oldest = 0

    /// - Parameter capacity: The most entries that are kept. At this number each new entry replaces the oldest.
    init(capacity: Int = 1_000) {
        precondition(capacity > 0)
        self.capacity = capacity
        entries.reserveCapacity(capacity)
    }

    var count: Int { entries.count }

    mutating func append(_ entry: Entry, at instant: Instant) {
        if entries.count < capacity {
            entries.append((instant, entry))
        } else {
            entries[oldest] = (instant, entry)
            oldest = (oldest + 1) % capacity
        }
    }

    /// A line for each entry, the oldest first, with the seconds since the oldest.
    var lines: [String] {
        guard let first = entries.isEmpty ? nil : entries[oldest % entries.count].instant else {
            return []
        }
        return entries.indices.map { index in
            let (instant, entry) = entries[(oldest + index) % entries.count]
            let microseconds = (instant.nanoseconds &- first.nanoseconds) / 1_000
            let fraction = String(microseconds % 1_000_000)
            let padding = String(repeating: "0", count: 6 - fraction.utf8.count)
            return "\(microseconds / 1_000_000).\(padding)\(fraction) s  \(entry)"
        }
    }
}

/// The last events of a state machine, and the actions that followed from them.
package struct MachineHistory<Event: Sendable, Action: Sendable>: Sendable {
    private enum Entry: Sendable, CustomStringConvertible {
        case event(Event)
        case action(Action)

        var description: String {
            switch self {
            case .event(let event): "\(event)"
            case .action(let action): "  -> \(action)"
            }
        }
    }

    private var ring = EventRing<Entry>()

    package init() {}

    mutating func record(_ event: Event, _ actions: ArraySlice<Action>, at now: Instant) {
        ring.append(.event(event), at: now)
        for action in actions { ring.append(.action(action), at: now) }
    }

    /// A line for each event and action, the oldest first.
    package var lines: [String] { ring.lines }
}

/// This function is not generic, so that other modules call specialised code.
extension MachineHistory<CoordinatorEvent, CoordinatorAction> {
    /// Appends an event and the actions that followed from it.
    package mutating func append(_ event: Event, _ actions: ArraySlice<Action>, at now: Instant) {
        record(event, actions, at: now)
    }
}

extension MachineHistory<WorkerEvent, WorkerAction> {
    /// Appends an event and the actions that followed from it.
    package mutating func append(_ event: Event, _ actions: ArraySlice<Action>, at now: Instant) {
        record(event, actions, at: now)
    }
}
