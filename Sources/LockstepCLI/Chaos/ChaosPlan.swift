import ArgumentParser
import LockstepNumerics

/// What is done to a run, and when: a pure function of a seed.
struct ChaosPlan: Hashable {
    /// A way to disturb a run.
    enum Fault: String, CaseIterable, Encodable, ExpressibleByArgument {
        /// A worker is killed; another one takes its place after a pause.
        case kill
        /// A worker is stopped, and goes on after a while.
        case stop
        /// A worker gets a tenth of its time for a while.
        case slow
        /// A worker's connection is cut.
        case drop
        /// Nothing that a worker and the coordinator say arrives for a while.
        case partition
        /// One more worker joins.
        case join
        /// The coordinator is killed, and resumed.
        case coordinator
    }

    struct Event: Hashable {
        /// Not before this step.
        let step: UInt64
        let fault: Fault
        /// Chooses one of the workers that may be hit then.
        let victim: UInt32
        /// How long it lasts, or until what was killed comes back.
        let seconds: Double
        /// A partition: its connection is cut at the end, and what was under way is lost. A coordinator: it comes back
        /// with another number of workers, every other time.
        let isHarsh: Bool
    }

    /// In the order of their steps.
    let events: [Event]

    /// One wait in three is longer than a heartbeat's timeout of 3 seconds.
    private static let longWait = 3.5...5.0

    /// - Parameters:
    ///   - seed: The same seed gives the same plan.
    ///   - faults: The kinds that occur, each as often as the others, give or take one.
    ///   - count: The fewest and the most events.
    ///   - steps: The run's; events come after the first and in time before the last.
    init(seed: UInt64, faults: [Fault], count: ClosedRange<Int>, steps: UInt64) {
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
                seconds: Self.seconds(of: fault, unit(words[2]), isLong: words[3] % 3 == 0),
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
            case .join: 0.0...0.0
            case .coordinator: 0.05...0.5
            }
        return range.lowerBound + part * (range.upperBound - range.lowerBound)
    }
}

/// A random word as a number from 0 to below 1.
private func unit(_ word: UInt32) -> Double { Double(word) / 4_294_967_296 }

/// `--faults kill,stop,...`
struct FaultList: ExpressibleByArgument, Hashable {
    let faults: [ChaosPlan.Fault]

    init(faults: [ChaosPlan.Fault]) {
        self.faults = faults
    }

    init?(argument: String) {
        let found = argument.split(separator: ",", omittingEmptySubsequences: false)
            .map { ChaosPlan.Fault(rawValue: String($0)) }
        guard !found.contains(nil) else { return nil }
        faults = found.compactMap(\.self)
    }

    var defaultValueDescription: String { faults.map(\.rawValue).joined(separator: ",") }
}

/// `--count 1:5`: the fewest and the most, or one number for both.
struct CountRange: ExpressibleByArgument, Hashable {
    let minimum: Int
    let maximum: Int

    init(_ minimum: Int, _ maximum: Int) {
        (self.minimum, self.maximum) = (minimum, maximum)
    }

    init?(argument: String) {
        let parts = argument.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(parts.count), let first = parts[0], let last = parts[parts.count - 1] else { return nil }
        self.init(first, last)
    }

    var text: String { minimum == maximum ? "\(minimum)" : "\(minimum):\(maximum)" }
}
