package import LockstepCompute
package import LockstepData
package import LockstepNetwork
import LockstepSharding

/// What a network answers to the samples of a split: which classes it takes for which, and where it is most wrong.
package struct SplitAnalysis: Codable, Hashable, Sendable {
    /// A sample that the network gets wrong.
    package struct Mistake: Codable, Hashable, Sendable {
        /// The index among all samples of the data set.
        package var sample: Int
        /// The right answer.
        package var label: Int
        package var answer: Int
        /// The output of the answer.
        package var output: Double
        /// The output of the right answer; nil where answers have no outputs of their own.
        package var labelOutput: Double?
    }

    /// A number that the network should give, and the one that it gives.
    package struct Prediction: Codable, Hashable, Sendable {
        package var sample: Int
        package var target: Double
        package var output: Double
    }

    package var split: Split
    /// Samples that were analysed: the first of the split.
    package var count: Int
    /// How often each answer was given to the samples of each right answer, [right answer, answer]; empty where numbers are
    /// predicted, and for too many classes.
    package var confusion: [[Int]]
    /// The worst mistakes, the worst first.
    package var mistakes: [Mistake]
    /// Where numbers are predicted: some of the samples, in their order.
    package var predictions: [Prediction]
}

/// Analyses the answers of a network on the splits of a data set.
package final class SplitAnalyzer {
    /// Classes whose confusion is counted.
    private static let classLimit = 200
    /// Samples that are analysed, in the evaluator's units.
    private static let sampleLimit = 10_000
    private static let predictionLimit = 400

    private let model: NetworkModel
    private let evaluator: Evaluator
    private let dataset: Dataset

    /// - Parameters:
    ///   - model: The network.
    ///   - library: Computes it.
    ///   - dataset: Its samples fit the network.
    /// - Throws: `ComputeError` if the compute library cannot compute the network.
    package init(_ model: NetworkModel, library: ComputeLibrary, dataset: Dataset) throws {
        self.model = model
        self.dataset = dataset
        evaluator = try Evaluator(model, library: library, dataset: dataset)
    }

    /// Runs the first 10,000 samples of a split through the network.
    ///
    /// - Parameters:
    ///   - split: The split.
    ///   - weights: The parameters, in the network's layout.
    ///   - mistakes: How many of the worst mistakes are kept.
    /// - Returns: The analysis; nil if the split has no samples.
    package func analysis(
        of split: Split, weights: UnsafePointer<Float>, mistakes: Int = 24
    ) -> SplitAnalysis? {
        let units = evaluator.blocks(of: split)
        let all = dataset.indices(of: split)
        guard !all.isEmpty else { return nil }
        var analysis = SplitAnalysis(split: split, count: 0, confusion: [], mistakes: [], predictions: [])
        let answers = model.answers
        if !model.predictsNumbers, answers <= Self.classLimit {
            analysis.confusion = Array(repeating: Array(repeating: 0, count: answers), count: answers)
        }
        for unit in 0..<units.count where analysis.count < Self.sampleLimit {
            let samples = units[unit]
            evaluator.outputs(of: samples, weights: weights) { outputs, first in
                add(outputs, firstSample: samples.lowerBound + first, to: &analysis)
            }
            analysis.count += samples.count
        }
        let worst = analysis.mistakes.sorted { Self.isWorse($0, $1) }.prefix(mistakes)
        analysis.mistakes = Array(worst)
        thinOut(&analysis.predictions)
        return analysis
    }

    private func add(
        _ outputs: UnsafeBufferPointer<Float>, firstSample: Int, to analysis: inout SplitAnalysis
    ) {
        for row in 0..<outputs.count / model.outputs {
            let own = UnsafeBufferPointer(rebasing: outputs[row * model.outputs..<(row + 1) * model.outputs])
            let sample = firstSample + row
            if model.predictsNumbers {
                analysis.predictions.append(
                    SplitAnalysis.Prediction(
                        sample: sample, target: Double(dataset.target(of: sample) ?? 0), output: Double(own[0])))
                continue
            }
            let ownClass = dataset.label(of: sample)
            let (answer, label): (Int, Int)
            if let encoding = model.objective.targets {
                (answer, label) = (encoding.answer(of: own), encoding.answer(for: ownClass))
            } else {
                (answer, label) = (own.indices.max { own[$0] < own[$1] } ?? 0, ownClass)
            }
            if !analysis.confusion.isEmpty, label < analysis.confusion.count { analysis.confusion[label][answer] += 1 }
            guard answer != label else { continue }
            let hasOutputs = model.objective.targets == nil
            analysis.mistakes.append(
                SplitAnalysis.Mistake(
                    sample: sample, label: label, answer: answer,
                    output: hasOutputs ? Double(own[answer]) : Double(TargetEncoding.confidence(of: Array(own))),
                    labelOutput: hasOutputs ? Double(own[label]) : nil))
        }
    }

    /// The more certain of two mistakes; of equally certain ones, the earlier sample.
    private static func isWorse(_ a: SplitAnalysis.Mistake, _ b: SplitAnalysis.Mistake) -> Bool {
        let (left, right) = (a.output - (a.labelOutput ?? 0), b.output - (b.labelOutput ?? 0))
        return left == right || left.isNaN || right.isNaN ? a.sample < b.sample : left > right
    }

    private func thinOut(_ predictions: inout [SplitAnalysis.Prediction]) {
        let step = (predictions.count + Self.predictionLimit - 1) / Self.predictionLimit
        guard step > 1 else { return }
        predictions = stride(from: 0, to: predictions.count, by: step).map { predictions[$0] }
    }
}
