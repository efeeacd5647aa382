import LockstepArtifacts
import LockstepText
import LockstepTraining

/// A run's figures in Prometheus' text format, version 0.0.4.
///
/// prometheus.io/docs/instrumenting/exposition_formats
enum PrometheusText {
    static func text(_ snapshot: Dashboard.Snapshot, name: String) -> String {
        var writer = Writer(run: name)
        if let progress = snapshot.progress {
            writer.add("epoch", "The epoch under way, from 0.", .gauge, Double(progress.epoch))
            writer.add("epochs", "Epochs that the run is to have.", .gauge, Double(snapshot.epochs))
            writer.add("steps_total", "Steps taken in the whole run.", .counter, Double(progress.totalSteps))
            writer.add("steps_per_epoch", "Steps of an epoch.", .gauge, Double(progress.stepsPerEpoch))
            writer.add(
                "samples_per_second", "Training samples a second since the last report.", .gauge,
                progress.samplesPerSecond)
            writer.add(
                "training_loss", "Mean loss of the training samples since the last report.", .gauge,
                progress.meanTrainingLoss)
            if let rate = progress.learningRate {
                writer.add("learning_rate", "The learning rate of the last step.", .gauge, rate)
            }
            writer.add("computing_workers", "Workers that compute.", .gauge, Double(progress.workers))
        }
        writer.add("members", "Workers in the run.", .gauge, Double(snapshot.workers.count))
        writer.add(
            "worker_node_seconds", "Time of a worker for a tree node, a moving average.", .gauge,
            snapshot.workers.compactMap { worker in
                worker.millisecondsPerNode.map {
                    ([("worker", worker.name), ("host", worker.host), ("pid", "\(worker.processID)")], $0 / 1_000)
                }
            })
        addScores(snapshot.report?.lastEvaluation, to: &writer)
        return writer.text
    }

    private static func addScores(_ epoch: RunSummary.Epoch?, to writer: inout Writer) {
        guard let epoch else { return }
        func share(_ part: Int?, _ whole: Int?) -> Double? {
            guard let part, let whole, whole > 0 else { return nil }
            return Double(part) / Double(whole)
        }
        func splits(_ test: Double?, _ validation: Double?) -> [([(String, String)], Double)] {
            [("test", test), ("validation", validation)].compactMap { split, value in
                value.map { ([("split", split)], $0) }
            }
        }
        writer.add(
            "accuracy", "Right samples of the last evaluation, from 0 to 1.", .gauge,
            splits(share(epoch.correct, epoch.total), share(epoch.validationCorrect, epoch.validationTotal)))
        writer.add(
            "loss", "Mean loss of the last evaluation.", .gauge, splits(epoch.cost, epoch.validationCost))
    }

    private struct Writer {
        enum Kind: String {
            case gauge, counter
        }

        let run: String
        private(set) var text = ""

        init(run: String) { self.run = run }

        mutating func add(_ name: String, _ help: String, _ kind: Kind, _ value: Double) {
            add(name, help, kind, [([], value)])
        }

        mutating func add(
            _ name: String, _ help: String, _ kind: Kind, _ values: [([(String, String)], Double)]
        ) {
            guard !values.isEmpty else { return }
            text += "# HELP lockstep_\(name) \(help)\n# TYPE lockstep_\(name) \(kind.rawValue)\n"
            for (labels, value) in values {
                let all = ([("run", run)] + labels).map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
                text += "lockstep_\(name){\(all)} \(Self.number(value))\n"
            }
        }

        private static func escaped(_ value: String) -> String {
            value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
        }

        private static func number(_ value: Double) -> String {
            value.isNaN ? "NaN" : value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : "\(value)"
        }
    }
}
