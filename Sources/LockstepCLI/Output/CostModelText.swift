import LockstepCostModel
import LockstepText

extension StepPrediction {
    /// The line before the first step of a distributed run: what a step will take, and whether workers are faster.
    var text: String {
        "\(counted(workers, "worker")), \(dataSize(parameterBytes)) a step: about \(milliseconds(step.total)), of which "
            + "\(milliseconds(step.compute)) compute; one process: \(milliseconds(alone.total)); \(comparison)"
    }

    private var comparison: String {
        if workers == 1 { return "one worker computes as fast as one process at best" }
        if step.total < alone.total { return "\(times(alone.total / step.total)) as fast" }
        guard let crossover else { return "\(workers) workers are slower than one process at every mini-batch" }
        return
            "\(workers) workers are faster than one process from about \(grouped(roundedToTwoDigits(crossover))) samples"
    }
}

extension CostModel {
    /// The summary of a bench for one number of workers: whether they are faster than one process, why, and from which
    /// mini-batch on.
    ///
    /// - Parameters:
    ///   - batch: Samples of the mini-batch.
    ///   - workers: At least 2.
    ///   - link: The link to the workers; nil for workers of this host.
    ///   - limit: The largest mini-batch that makes sense: the training split.
    /// - Returns: One sentence.
    func summary(batch: Int, workers: Int, link: Link? = nil, limit: Int) -> String {
        let step = distributed(batch: batch, shards: workers, workers: workers, link: link)
        let alone = single(batch: batch, shards: 1)
        let start =
            "at mini-batch \(grouped(batch)), a step of \(workers) workers takes \(milliseconds(step.compute)) to compute, "
            + "\(milliseconds(step.communication)) to communicate and \(milliseconds(step.reduce)) to reduce"
        if step.total < alone.total {
            return "\(start): \(times(alone.total / step.total)) as fast as one process"
        }
        let reason =
            step.communication + step.reduce >= alone.total
            ? "more workers cannot help" : "\(workers) workers are slower than one process"
        let crossover = crossover(workers: workers, link: link, limit: limit).map {
            "\(workers) workers are faster from about \(grouped(roundedToTwoDigits($0))) samples"
        }
        return
            "\(start): \(reason); \(crossover ?? "\(workers) workers are slower at every mini-batch of this data set")"
    }
}
