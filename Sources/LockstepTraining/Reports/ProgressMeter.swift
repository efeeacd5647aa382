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

    private var start: ContinuousClock.Instant
    private var samples = 0
    private var lossSum = 0.0

    init(start: ContinuousClock.Instant) {
        self.start = start
    }

    mutating func add(samples: Int, lossSum: Double) {
        self.samples += samples
        self.lossSum += lossSum
    }

    /// The steps since the last report, once a period has passed.
    mutating func report(at now: ContinuousClock.Instant) -> Interval? {
        let elapsed = now - start
        guard elapsed >= Self.period else { return nil }
        let interval = Interval(samples: samples, lossSum: lossSum, seconds: elapsed.seconds)
        self = ProgressMeter(start: now)
        return interval
    }
}
