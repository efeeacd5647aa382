package import LockstepCostModel

/// What the measurements say, and how far.
extension BenchResult {
    /// Workers against one process.
    package enum Comparison: Hashable, Sendable {
        case faster, slower
        /// The difference is within the spread of the measurements.
        case undecided
        /// The machine was busy, so that the figures say nothing about a speedup.
        case busy
    }

    /// Whether other programs took cores from the bench.
    package var isBusy: Bool {
        let processes = max(1, measured.map(\.setting.workers).max() ?? 1)
        return machine.load.isBusy(computing: min(processes, cores))
    }

    /// The interval of the speedup, from the ratios of the turns: what slows the machine down for a while slows the other
    /// setting of that turn down too.
    package func speedupInterval(_ other: Measured) -> ClosedRange<Double> {
        let ratios = zip(reference.turns, other.turns).filter { $1 > 0 }.map { $0 / $1 }
        let middle = speedup(other)
        // Without any measurable time everything is possible.
        guard !ratios.isEmpty, middle.isFinite else { return 0 ... .infinity }
        let interval = Statistics.medianInterval(ratios)
        return min(interval.lowerBound, middle)...max(interval.upperBound, middle)
    }

    /// How workers compare with the reference.
    package func comparison(_ other: Measured) -> Comparison {
        if isBusy { return .busy }
        let interval = speedupInterval(other)
        if interval.lowerBound > 1 { return .faster }
        return interval.upperBound < 1 ? .slower : .undecided
    }

    /// By which part a step of so many workers may differ from the model's: its error at a number of workers that it was
    /// not fitted to, or the spread of the measurements where that is larger.
    func uncertainty(of workers: Int) -> Double {
        let spread = measured.first { $0.setting.workers == workers }.map { one in
            let interval = speedupInterval(one)
            let middle = speedup(one)
            return max(middle - interval.lowerBound, interval.upperBound - middle) / middle
        }
        return max(modelError ?? 0, spread ?? 0)
    }

    /// The interval of a predicted speedup; nil if the model's error is unknown.
    package func predictedInterval(_ speedup: Double, workers: Int) -> ClosedRange<Double>? {
        let uncertainty = uncertainty(of: workers)
        guard modelError != nil, speedup.isFinite, uncertainty.isFinite else { return nil }
        return speedup / (1 + uncertainty)...speedup * (1 + uncertainty)
    }

    /// Where a number of workers that was measured becomes as fast as one process: by the model, but never on the other
    /// side of the measured mini-batch than the measurement says.
    ///
    /// - Parameters:
    ///   - other: A setting with workers.
    ///   - link: The link to the workers; nil for workers of this host. The measurement says nothing about links.
    /// - Returns: An interval of mini-batches; nil on a busy machine, and if the model may be off by half or more: any
    ///   mini-batch is possible then.
    package func breakEven(_ other: Measured, link: BenchLink? = nil) -> BreakEven? {
        let workers = other.setting.workers
        guard !isBusy, uncertainty(of: workers) < 0.5 else { return nil }
        var found = model.breakEven(
            workers: workers, link: link?.link, limit: samples, error: uncertainty(of: workers))
        guard link == nil, other.setting.shards == workers, reference.setting.shards == 1 else { return found }
        switch comparison(other) {
        case .faster:
            let latest = min(found.latest ?? batch, batch)
            found = BreakEven(earliest: min(found.earliest ?? latest, latest), latest: latest)
        case .slower:
            found.earliest = found.earliest.map { max($0, batch + 1) }
            found.latest = found.latest.map { max($0, batch + 1) }
        case .undecided:
            found.earliest = min(found.earliest ?? batch, batch)
            found.latest = found.latest.map { max($0, batch) }
        case .busy:
            break
        }
        return found
    }
}
