import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepTraining
import Testing

@testable import LockstepCLI

@Suite("Lines about epochs")
struct EpochPrinterTests {
    private static let digest = "dd4b5e59" + String(repeating: "0", count: 56)

    private static func epoch(
        _ number: Int = 0, correct: Int? = 9_124, total: Int = 10_000, meanLoss: Double = 0.0709,
        seconds: Double = 0.6, samples: Int = 50_000, workers: Int = 2, predictions: [Int] = [],
        validation: Int? = nil, isBest: Bool = false, totalSteps: Int = 5_000
    ) -> EpochReport {
        let test = correct.map { correct in
            SplitScore(correct: correct, total: total, meanLoss: meanLoss, predictions: predictions)
        }
        return EpochReport(
            epoch: number, test: test,
            validation: validation.map { SplitScore(correct: $0, total: 5_000, meanLoss: 0.1, predictions: []) },
            meanTrainingLoss: 0.0812, seconds: seconds, samples: samples,
            totalSteps: totalSteps, workers: workers, weightsSHA256: digest, isBest: isBest)
    }

    private static func outcome(_ epochs: [EpochReport], _ membership: MembershipCounts = .init()) -> RunOutcome {
        RunOutcome(
            epochs: epochs, steps: 10, seconds: 1, samples: 100, weightsSHA256: digest, membership: membership,
            maximumStepGapMilliseconds: 1, interrupted: false)
    }

    @Test("An epoch's line")
    func line() {
        #expect(
            EpochPrinter.line(Self.epoch())
                == "Epoch 0: 9124 / 10000   cost 0.0709   0.60 s   83,333/s   2 workers   dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(12, workers: 1))
                == "Epoch 12: 9124 / 10000   cost 0.0709   0.60 s   83,333/s   1 worker   dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(3, correct: nil, workers: 1))
                == "Epoch 3: training cost 0.0812   0.60 s   83,333/s   1 worker   dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(workers: 0))
                == "Epoch 0: 9124 / 10000   cost 0.0709   0.60 s   83,333/s   one process   dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(workers: 1), isOneProcess: true)
                == "Epoch 0: 9124 / 10000   cost 0.0709   0.60 s   83,333/s   one process   dd4b5e59")
    }

    @Test("An epoch's line shows the validation samples; the workers make room, unless their number has changed")
    func validation() {
        #expect(
            EpochPrinter.line(Self.epoch(seconds: 1.31, validation: 4_570))
                == "Epoch 0: 9124 / 10000  valid 91.4 %  cost 0.0709  1.31 s  38,167/s  dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(workers: 0, validation: 4_570), showsWorkers: true)
                == "Epoch 0: 9124 / 10000  valid 91.4 %  cost 0.0709  0.60 s  one process  dd4b5e59")
        #expect(
            EpochPrinter.line(Self.epoch(correct: 90, total: 100, validation: 4_570))
                == "Epoch 0: 90 / 100   valid 91.4 %   cost 0.0709   0.60 s   83,333/s   dd4b5e59")
    }

    @Test("An epoch's line fits into 80 columns", arguments: [0, 9, 29, 999], [0, 1, 2, 64, 1_024])
    func width(epoch: Int, workers: Int) {
        for seconds in [0.04, 0.6, 123.45] {
            let line = EpochPrinter.line(
                Self.epoch(epoch, correct: 59_999, total: 60_000, seconds: seconds, workers: workers))
            #expect(line.count <= 80, "\(line)")
            #expect(line.hasPrefix("Epoch \(epoch): 59999 / 60000 ") && line.hasSuffix(" dd4b5e59"))
            let validated = EpochPrinter.line(
                Self.epoch(
                    epoch, correct: 59_999, total: 60_000, seconds: seconds, workers: workers, validation: 5_000))
            #expect(validated.count <= 80 && validated.contains(" valid 100.0 % "), "\(validated)")
        }
    }

    @Test("The first line says what is trained on what")
    func start() {
        let description = RunDescription(
            configuration: RunConfiguration(
                name: "mnist-30", data: .named("mnist"), network: Architecture(sizes: [784, 30, 10]), cost: .quadratic,
                training: TrainingOptions(epochs: 1, batch: 10, seed: 1), optimizer: .sgd(learningRate: 3), shards: 2),
            dataset: DatasetDescription(
                name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000,
                validationCount: 10_000, testCount: 10_000, sha256: Self.digest),
            shards: 2, workers: 1, kernel: "avx2", parameterCount: 23_860, stepsPerEpoch: 5_000)
        #expect(
            EpochPrinter.startLine(description, isOneProcess: false)
                == "mnist-30: 784-30-10, 23,860 parameters; 50,000 samples of mnist in 5,000 steps an epoch; 1 worker, "
                + "2 shards, kernel avx2")
        #expect(
            EpochPrinter.startLine(description, isOneProcess: true).hasSuffix(
                "5,000 steps an epoch; one process, 2 shards, kernel avx2"))
    }

    @Test("The progress line has a bar")
    func progress() {
        let progress = StepProgress(
            epoch: 2, step: 2_500, stepsPerEpoch: 5_000, totalSteps: 12_500, meanTrainingLoss: 0.1,
            samplesPerSecond: 83_896.4, workers: 2)
        #expect(
            EpochPrinter.progressLine(progress)
                == "Epoch 2 [===============               ] 2500 / 5000   83,896/s")
    }

    @Test("A quiet run ends with its best epoch and its weights; of equally good epochs the earliest is the best")
    func final() {
        let epochs = [Self.epoch(0), Self.epoch(1, correct: 9_243), Self.epoch(2, correct: 9_243)]
        #expect(
            EpochPrinter.finalLines(Self.outcome(epochs)) == [
                "Best: epoch 1 with 9243 / 10000 test samples right (92.43 %); its weights were not kept",
                "Weights: \(Self.digest)",
            ])
        #expect(EpochPrinter.finalLines(Self.outcome([])) == ["Weights: \(Self.digest)"])
        #expect(EpochPrinter.finalLines(Self.outcome([Self.epoch(correct: nil)])) == ["Weights: \(Self.digest)"])
    }

    @Test("The epoch that the validation samples select is named beside the best one, each with its file")
    func selected() {
        func lines(_ tests: [Int], _ validations: [Int?], steps: Int = 10) -> [String] {
            var (epochs, best) = ([EpochReport](), -1)
            for (index, (test, validation)) in zip(tests, validations).enumerated() {
                let isBest = (validation ?? -1) > best
                best = max(best, validation ?? -1)
                epochs.append(
                    Self.epoch(
                        index, correct: test, validation: validation, isBest: isBest,
                        totalSteps: 10 * (index + 1) / tests.count))
            }
            var outcome = Self.outcome(epochs)
            outcome.steps = steps
            return EpochPrinter.finalLines(outcome).dropLast()
        }
        #expect(
            lines([9_100, 9_300, 9_200], [4_500, 4_600, 4_600]) == [
                "Best: epoch 1 with 9300 / 10000 test samples right (93.00 %); best.safetensors",
                "Selected: epoch 1 with 4600 / 5000 validation samples right (92.00 %), 9300 / 10000 test samples "
                    + "(93.00 %); best.safetensors",
            ])
        #expect(
            lines([9_100, 9_000, 9_200], [4_500, 4_600, 4_600]) == [
                "Best: epoch 2 with 9200 / 10000 test samples right (92.00 %); model.safetensors",
                "Selected: epoch 1 with 4600 / 5000 validation samples right (92.00 %), 9000 / 10000 test samples "
                    + "(90.00 %); best.safetensors",
            ])
        #expect(
            lines([9_100, 9_000], [4_500, 4_600]).first
                == "Best: epoch 0 with 9100 / 10000 test samples right (91.00 %); its weights were not kept")
        #expect(
            lines([9_100, 9_000], [nil, nil]) == [
                "Best: epoch 0 with 9100 / 10000 test samples right (91.00 %); its weights were not kept",
                "Selected: epoch 1, the last one, because there are no validation samples; model.safetensors",
            ])
        // A run that ends within an epoch has the weights of no evaluation.
        #expect(
            lines([9_000, 9_100], [nil, nil], steps: 11) == [
                "Best: epoch 1 with 9100 / 10000 test samples right (91.00 %); its weights were not kept"
            ])
    }

    @Test("A run that stopped early says so, and a learning rate that fell is named")
    func followed() {
        var outcome = Self.outcome([Self.epoch(11)])
        outcome.earlyStoppingPlateau = 5
        #expect(
            EpochPrinter.finalLines(outcome).first
                == "Stopped early: 5 evaluations without more validation samples right, up to epoch 11")
        #expect(
            EpochPrinter.line(rate: 0.1 + 0.2, since: 7)
                == "Learning rate 0.3 from epoch 7 on: the validation samples had shown no improvement")
    }

    @Test("Classes that were never the answer are named")
    func neverPredicted() {
        let lines = EpochPrinter.finalLines(Self.outcome([Self.epoch(predictions: [5, 0, 3, 0])]))
        #expect(lines[1] == "Never predicted: 1, 3 (these outputs are saturated near 0)")
        let named = EpochPrinter.finalLines(
            Self.outcome([Self.epoch(predictions: [5, 0, 3, 0])]), classNames: ["Coat", "Bag", "Shirt"])
        #expect(named[1] == "Never predicted: Bag, 3 (these outputs are saturated near 0)")
        let many = EpochPrinter.finalLines(Self.outcome([Self.epoch(predictions: Array(repeating: 0, count: 70_000))]))
        #expect(
            many[1]
                == "Never predicted: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 69,990 more (these outputs are saturated near 0)")
    }

    @Test("What happened to the workers is counted")
    func membership() {
        func lines(_ change: (inout MembershipCounts) -> Void) -> [String] {
            var counts = MembershipCounts()
            change(&counts)
            return EpochPrinter.finalLines(Self.outcome([], counts)).dropLast()
        }
        #expect(lines { $0.lost = 1 } == ["Lost 1 worker; 0 shards reassigned"])
        #expect(
            lines {
                $0.lost = 2
                $0.shardsReassigned = 1
                $0.restarts = 2
            } == ["Lost 2 workers; 1 shard reassigned; 2 workers replaced"])
        #expect(lines { $0.speculativeItems = 1 } == ["1 task of a slow worker was also given to an idle one"])
        #expect(lines { $0.speculativeItems = 1_234 } == ["1,234 tasks of slow workers were also given to idle ones"])
        #expect(
            lines {
                $0.stepsAudited = 200
                $0.quarantined = 1
            } == ["Audited: 200 steps; workers found wrong: 1"])
        #expect(
            lines { $0.isBitwiseReproducible = false } == [
                "Not bitwise reproducible: workers with different kernels took part"
            ])
    }
}
