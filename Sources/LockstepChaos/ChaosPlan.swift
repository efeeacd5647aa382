import LockstepNumerics

/// Which faults a run is exposed to, and when: a pure function of a seed.
package struct ChaosPlan: Hashable, Sendable {
    /// A way to disturb a run.
    package enum Fault: String, CaseIterable, Encodable, Sendable {
        /// A worker is killed; another one takes its place after a pause.
        case kill
        /// A worker is stopped, and continues after a while.
        case stop
        /// A worker gets a tenth of the processor time for a while.
        case slow
        /// The connection of a worker is cut.
        case drop
        /// Nothing arrives between a worker and the coordinator for a while, in either direction.
        case partition
        /// Bytes between a worker and the coordinator arrive late, in one direction.
        case delay
        /// A bit of what is sent between a worker and the coordinator is flipped.
        case flip
        /// The connection of a worker is cut in the middle of what is being sent.
        case truncate
        /// Bytes between a worker and the coordinator arrive twice.
        case duplicate
        /// Bytes that had arrived before arrive once more.
        case replay
        /// Bytes arrive in another order.
        case reorder
        /// One more worker joins.
        case join
        /// The coordinator is killed, and the run resumed.
        case coordinator

        /// The damage to bytes on their way; nil for other faults.
        var damage: RelayDamage.Kind? {
            switch self {
            case .flip: .flip
            case .truncate: .truncate
            case .duplicate: .duplicate
            case .replay: .replay
            case .reorder: .reorder
            case .kill, .stop, .slow, .drop, .partition, .delay, .join, .coordinator: nil
            }
        }

        /// Whether the network is at fault, and not a process.
        var isOfNetwork: Bool { damage != nil || [.drop, .partition, .delay].contains(self) }
    }

    package struct Event: Hashable, Sendable {
        /// The event happens at this step or later.
        package let step: UInt64
        package let fault: Fault
        /// Chooses one of the workers that the event can hit at that time.
        package let victim: UInt32
        /// How long the fault lasts, or until the killed process is started again.
        package let seconds: Double
        /// A partition: the connection is cut at its end, and what was on its way is lost. A coordinator: it comes back
        /// with another number of workers; in a series this is so every other time. A fault of one direction: it hits
        /// what the coordinator sends.
        package let isHarsh: Bool
    }

    /// In the order of their steps.
    package let events: [Event]

    /// One wait in three is longer than the heartbeat timeout of 3 seconds.
    private static let longWait = 3.5...5.0

    /// Draws a plan.
    ///
    /// - Parameters:
    ///   - seed: The same seed gives the same plan.
    ///   - faults: The kinds that occur; their numbers differ by at most one.
    ///   - count: The fewest and the most events.
    ///   - steps: Steps of the run; events come after the first, and early enough before the last.
    package init(seed: UInt64, faults: [Fault], count: ClosedRange<Int>, steps: UInt64) {
        let random = Philox(seed: seed)
        let first = random.words(at: RandomPosition(.chaos, sample: 0))
        let number = count.lowerBound + Int(first[0]) % count.count
        let start = Int(first[1])
        events = (0..<number).map { index in
            let words = random.words(at: RandomPosition(.chaos, sample: UInt32(index + 1)))
            let more = random.words(at: RandomPosition(.chaos, sample: UInt32(index + 1), draw: 1))
            let fault = faults[(start + index) % faults.count]
            let isOdd = (seed &+ UInt64(index)) % 2 == 1
            let last = max(1, steps - steps / 8)
            return Event(
                step: 1 + UInt64(words[0]) % last, fault: fault, victim: words[1],
                seconds: Self.seconds(of: fault, Self.unit(words[2]), isLong: words[3] % 3 == 0),
                isHarsh: fault == .coordinator ? isOdd : more[0] % 2 == 0)
        }
        .sorted { ($0.step, $0.victim) < ($1.step, $1.victim) }
    }

    private static func seconds(of fault: Fault, _ part: Double, isLong: Bool) -> Double {
        let range =
            switch fault {
            case .kill, .drop: 0.02...0.5
            case .stop, .partition: isLong ? longWait : 0.1...1.5
            case .slow: 0.5...2
            case .delay: 0.05...1.5
            case .join, .flip, .truncate, .duplicate, .replay, .reorder: 0.0...0.0
            case .coordinator: 0.05...0.5
            }
        return range.lowerBound + part * (range.upperBound - range.lowerBound)
    }

    /// A random word as a number from 0 to below 1.
    private static func unit(_ word: UInt32) -> Double { Double(word) / 4_294_967_296 }
}
