import Foundation
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

/// Prints a line for each epoch, as the textbook does, with more on its right; and a progress bar on a terminal.
final class EpochPrinter: RunObserver {
    private let console: Console

    init(_ console: Console) {
        self.console = console
    }

    func runWillStart(_ run: RunDescription) {
        let sizes = run.configuration.network.sizes.map(String.init).joined(separator: "-")
        let workers = run.workers == 1 ? "1 worker" : "\(run.workers) workers"
        console.note(
            "\(run.configuration.name): \(sizes), \(grouped(run.parameterCount)) parameters; "
                + "\(grouped(run.dataset.trainingCount)) samples of \(run.dataset.name) in "
                + "\(grouped(run.stepsPerEpoch)) steps an epoch; \(workers), \(run.shards) "
                + "\(run.shards == 1 ? "shard" : "shards"), kernel \(run.kernel)")
    }

    func runDidProgress(_ progress: StepProgress) {
        let width = 30
        let done = width * progress.step / max(1, progress.stepsPerEpoch)
        let bar = String(repeating: "=", count: done) + String(repeating: " ", count: width - done)
        console.progress(
            "Epoch \(progress.epoch) [\(bar)] \(progress.step) / \(progress.stepsPerEpoch)   "
                + "\(grouped(Int(progress.samplesPerSecond))) samples/s")
    }

    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {
        var columns: [String] = []
        if let test = epoch.test {
            columns.append("\(test.correct) / \(test.total)")
            columns.append("cost \(decimal(test.meanLoss, 4))")
        } else {
            columns.append("training cost \(decimal(epoch.meanTrainingLoss, 4))")
        }
        columns.append("\(decimal(epoch.seconds, 2)) s")
        columns.append("\(grouped(Int(Double(epoch.samples) / max(epoch.seconds, 1e-9)))) samples/s")
        columns.append(
            epoch.workers == 0 ? "coordinator alone" : epoch.workers == 1 ? "1 worker" : "\(epoch.workers) workers")
        columns.append(String(epoch.weightsSHA256.prefix(8)))
        console.result("Epoch \(epoch.epoch): " + columns.joined(separator: "   "))
    }

    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {
        if let best = outcome.epochs.filter({ $0.test != nil }).max(by: isWorse), let test = best.test {
            console.result(
                "Best: epoch \(best.epoch) with \(test.correct) / \(test.total) test samples right "
                    + "(\(decimal(100 * Double(test.correct) / Double(max(1, test.total)), 2)) %)")
        }
        if let last = outcome.epochs.last?.test {
            let missing = last.predictions.indices.filter { last.predictions[$0] == 0 }
            if !missing.isEmpty {
                let names = missing.map(String.init).joined(separator: ", ")
                console.result("Never predicted: \(names) (the outputs of these classes do not wake)")
            }
        }
        for line in incidents(outcome.membership) { console.result(line) }
        console.result("Weights: \(outcome.weightsSHA256)")
    }

    /// What happened to the workers, if anything did.
    private func incidents(_ counts: MembershipCounts) -> [String] {
        var lines: [String] = []
        if counts.shardsReassigned > 0 || counts.lost > 0 {
            let replaced = counts.restarts == 0 ? "" : "; \(counts.restarts) replaced"
            lines.append(
                "Lost \(counts.lost) \(counts.lost == 1 ? "worker" : "workers"); "
                    + "\(counts.shardsReassigned) shards went to others\(replaced)")
        }
        if counts.duplicates > 0 {
            lines.append("Slow workers' work given to idle ones, too: \(grouped(counts.duplicates)) times")
        }
        if counts.stepsAudited > 0 {
            lines.append("Audited: \(grouped(counts.stepsAudited)) steps; workers found wrong: \(counts.quarantined)")
        }
        if !counts.isBitwiseReproducible {
            lines.append("Not bitwise reproducible: workers with different kernels took part")
        }
        return lines
    }

    /// The earliest of equally good epochs is the best.
    private func isWorse(_ left: EpochReport, _ right: EpochReport) -> Bool {
        let (a, b) = (left.test?.correct ?? 0, right.test?.correct ?? 0)
        return a == b ? left.epoch > right.epoch : a < b
    }
}

/// A number with a comma before each group of three digits.
func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
        result.append(digit)
    }
    return number < 0 ? "-" + result : result
}

/// A number with so many digits behind the point, whatever the locale.
func decimal(_ number: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", number)
}
