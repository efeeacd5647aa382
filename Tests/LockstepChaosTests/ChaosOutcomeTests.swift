import Foundation
import LockstepArtifacts
import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepTraining
import Testing

@testable import LockstepChaos

@Suite("The outcome of a run under chaos")
struct ChaosOutcomeTests {
    private static func summary(_ weights: [String], correct: Int = 90, steps: Int = 100) -> RunSummary {
        let epochs = weights.enumerated().map { number, digest in
            EpochReport(
                epoch: number, test: SplitScore(correct: correct, total: 100, meanLoss: 0.1, predictions: []),
                validation: nil, meanTrainingLoss: 0.1, seconds: 1, samples: 100, totalSteps: steps, workers: 1,
                weightsSHA256: digest, isBest: true)
        }
        return RunSummary(
            run: RunDescription(
                configuration: RunConfiguration(
                    name: "a", data: .named("mnist"), network: Architecture(sizes: [784, 10]), cost: .quadratic,
                    training: TrainingOptions(epochs: 2, batch: 10, seed: 1), optimizer: .sgd(learningRate: 3)),
                dataset: DatasetDescription(
                    name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 100,
                    validationCount: 0, testCount: 100, sha256: ""),
                shards: 1, workers: 1, kernel: "avx2", parameterCount: 7_850, stepsPerEpoch: 50),
            outcome: RunOutcome(
                epochs: epochs, steps: steps, seconds: 2, samples: 100, weightsSHA256: weights.last ?? "",
                membership: MembershipCounts(), maximumStepGapMilliseconds: 5, interrupted: false),
            programVersion: "1", peakMemoryBytes: nil)
    }

    private static func outcome(_ summary: RunSummary?, problems: [String] = []) -> ChaosOutcome {
        var outcome = ChaosOutcome()
        outcome.summary = summary
        outcome.problems = problems
        outcome.injected = [.kill: 2, .stop: 1]
        outcome.planned = 3
        return outcome
    }

    @Test("A run is equal if every epoch has the weights and counts of the undisturbed run")
    func equal() {
        let undisturbed = Self.summary(["a", "b"])
        #expect(Self.outcome(Self.summary(["a", "b"])).isEqual(to: undisturbed))
        #expect(!Self.outcome(Self.summary(["x", "b"])).isEqual(to: undisturbed))
        #expect(!Self.outcome(Self.summary(["a", "x"])).isEqual(to: undisturbed))
        #expect(!Self.outcome(Self.summary(["b"])).isEqual(to: undisturbed))
        #expect(!Self.outcome(Self.summary(["a", "b"], correct: 91)).isEqual(to: undisturbed))
        #expect(!Self.outcome(nil).isEqual(to: undisturbed))
        #expect(Self.outcome(nil).injectedCount == 3)
    }

    @Test("A series is good if all runs are equal and nothing went wrong without a fault")
    func good() {
        var result = ChaosResult(undisturbed: Self.summary(["a", "b"]), checkpointSeconds: 30)
        #expect(result.isGood)
        result.add(Self.outcome(Self.summary(["a", "b"])), seed: 1, isEqual: true)
        #expect(result.isGood && result.equalCount == 1)
        var broken = result
        broken.add(Self.outcome(Self.summary(["a", "b"]), problems: ["x"]), seed: 2, isEqual: true)
        #expect(!broken.isGood && broken.problemCount == 1)
        result.add(Self.outcome(nil), seed: 2, isEqual: false)
        #expect(!result.isGood && result.equalCount == 1)
    }

    @Test("The JSON has the names that other programs read")
    func json() throws {
        var result = ChaosResult(undisturbed: Self.summary(["a", "b"]), checkpointSeconds: 0.5)
        result.add(Self.outcome(Self.summary(["a", "b"])), seed: 7, isEqual: true)
        let text = try result.json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(Set(object.keys) == ["result", "equal", "shards_reassigned", "max_step_gap_ms"])
        let series = try #require(object["result"] as? [String: Any])
        let run = try #require((series["runs"] as? [[String: Any]])?.first)
        #expect(run["seed"] as? Int == 7 && run["is_equal"] as? Bool == true)
        #expect(run["injected"] as? [String: Int] == ["kill": 2, "stop": 1])
        // 50 steps a second, a checkpoint every half second.
        #expect(run["checkpoint_interval_steps"] as? Int == 25)
        #expect((object["max_step_gap_ms"] as? [String: Double])?["p99"] == 5)
    }
}
