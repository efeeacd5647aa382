import LockstepCostModel

extension StepPrediction {
    /// The line before a distributed run's first step: what a step will take, and whether workers are faster.
    var text: String {
        let names = workers == 1 ? "1 worker" : "\(workers) workers"
        return "\(names), \(CostModel.bytes(parameterBytes)) a step: about \(CostModel.milliseconds(step.total)), of "
            + "which \(CostModel.milliseconds(step.compute)) compute; one process: "
            + "\(CostModel.milliseconds(alone.total)); \(summary)"
    }

    private var summary: String {
        if workers == 1 { return "one worker computes as fast as one process at best" }
        if step.total < alone.total { return "\(CostModel.decimal(alone.total / step.total, 2)) x as fast" }
        guard let crossover else { return "\(workers) workers pay at no mini-batch of this data set" }
        return "\(workers) workers pay from mini-batch ~\(CostModel.rounded(crossover))"
    }
}

extension CostModel {
    /// The verdict on a mini-batch, for a bench: whether workers help, why, and from which mini-batch they do.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - workers: The number that is judged, at least 2.
    ///   - link: What lies between; nil for workers of this host.
    ///   - limit: The largest mini-batch that makes sense: the training split.
    /// - Returns: One sentence.
    func verdict(batch: Int, workers: Int, link: Link? = nil, limit: Int) -> String {
        let step = distributed(batch: batch, shards: workers, workers: workers, link: link)
        let alone = single(batch: batch, shards: 1)
        let start =
            "at mini-batch \(batch) a step of \(workers) workers computes for \(Self.milliseconds(step.compute)), talks "
            + "for \(Self.milliseconds(step.communication)) and adds up for \(Self.milliseconds(step.reduce))"
        if step.total < alone.total {
            return "\(start): \(Self.decimal(alone.total / step.total, 2)) x as fast as one process"
        }
        let reason =
            step.communication + step.reduce >= alone.total
            ? "more workers can't help" : "\(workers) workers are slower than one process"
        let outlook = crossover(workers: workers, link: link, limit: limit).map {
            "from mini-batch ~\(Self.rounded($0)) \(workers) workers pay"
        }
        return "\(start): \(reason); \(outlook ?? "no mini-batch of this data set makes \(workers) workers pay")"
    }

    /// A time in milliseconds, to two significant digits below ten.
    static func milliseconds(_ seconds: Double) -> String {
        let value = seconds * 1_000
        return "\(decimal(value, value < 0.1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0)) ms"
    }

    /// A count to two significant digits.
    static func rounded(_ count: Int) -> Int {
        var scale = 1
        while count / scale >= 100 { scale *= 10 }
        return (count + scale / 2) / scale * scale
    }

    static func bytes(_ count: Int) -> String {
        count < 1_000_000 ? "\((count + 500) / 1_000) KB" : "\(decimal(Double(count) / 1e6, 1)) MB"
    }

    /// A non-negative number with so many digits behind the point, rounded to nearest.
    static func decimal(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, value < 1e15 else { return "\(value)" }
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((max(0, value) * Double(scale)).rounded())
        guard digits > 0 else { return "\(scaled)" }
        let fraction = String(scaled % scale)
        return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
    }
}
