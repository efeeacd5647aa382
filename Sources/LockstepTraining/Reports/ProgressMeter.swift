import LockstepTimeline

/// Collects steps until a report is due.
struct ProgressMeter {
    /// What happened since the last report.
    struct Interval {
        var samples: Int
        var lossSum: Double
        var seconds: Double
    }

    /// Time between two reports.
    static let period = Duration.milliseconds(200)

    private var start: Instant
    private var samples = 0
    private var lossSum = 0.0

    init(start: Instant) {
        self.start = start
    }

    mutating func add(samples: Int, lossSum: Double) {
        self.samples += samples
        self.lossSum += lossSum
    }

    /// The steps since the last report, once a period has passed.
    mutating func report(at now: Instant) -> Interval? {
        guard now.since(start) >= Self.period else { return nil }
        let interval = Interval(samples: samples, lossSum: lossSum, seconds: now.seconds(since: start))
        self = ProgressMeter(start: now)
        return interval
    }
}
