import LockstepArtifacts
import LockstepChaos
import LockstepCostModel
import LockstepData
import LockstepNetwork
import LockstepSharding
import LockstepTraining
import Testing

@testable import LockstepCLI
@testable import LockstepRuntime

@Suite("What commands print")
struct ReportTests {
    @Test("A dry run says what a step of mnist-30 moves and computes")
    func dryRun() throws {
        var configuration = RunConfiguration(
            name: "mnist-30", data: .named("mnist"), network: Architecture(sizes: [784, 30, 10]), cost: .quadratic,
            training: TrainingOptions(epochs: 30, batch: 10, seed: 1), optimizer: .sgd(learningRate: 3), shards: 4)
        #expect(
            try DryRun(configuration: configuration, workers: 3).lines(trainingSamples: 50_000) == [
                "samples     50,000 in 5,000 steps an epoch, 150,000 steps in all",
                "shards      4 of 10 samples a mini-batch",
                "workers     3, with at most 5 samples each: efficiency at most 66.7 %",
                "parameters  23,860 (95,440 bytes)",
                "traffic     286,320 bytes of weights and 286,320 bytes of gradients a step",
                "memory      512,560 bytes a process, besides the data set",
            ])
        configuration.training.earlyStoppingPlateau = 5
        #expect(
            try DryRun(configuration: configuration, workers: 3).lines(trainingSamples: 50_000).first
                == "samples     50,000 in 5,000 steps an epoch, at most 150,000 steps in all")
        configuration.communicationDataType = .bfloat16
        let lines = try DryRun(configuration: configuration, workers: 3).lines(trainingSamples: 50_000)
        #expect(lines[4] == "traffic     143,160 bytes of weights and 143,160 bytes of gradients a step")
    }

    /// Ten epochs of 100 steps, 2 x 500 samples evaluated after each: 116 us a step of one process, 100 ms an evaluation.
    private static func estimate(
        epochs: Int = 10, evaluations: Int = 10, workers: Int, load: MachineLoad
    ) -> RunEstimate {
        RunEstimate(
            BatchSchedule(samples: 10_000, batch: 100, shards: 1), epochs: epochs, evaluations: evaluations,
            evaluatedSamples: 1_000, secondsPerSample: 100e-6, workers: workers,
            Calibration.Result(
                model: CostModel(
                    compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6,
                    messages: .init(fixed: 0, each: 0), parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2),
                load: load))
    }

    @Test("A dry run ends with a time, and with what it rests on")
    func time() {
        func line(_ estimate: RunEstimate, isRemote: Bool = false, mayStopEarly: Bool = false) -> String {
            DryRun.timeLine(estimate, isRemote: isRemote, mayStopEarly: mayStopEarly)
        }
        let idle = MachineLoad.idle(cores: 2)
        let one =
            "time        about 1.1 s in one process of this host: 1,000 steps of 0.116 ms and 10 evaluations of 100 ms"
        #expect(line(Self.estimate(workers: 0, load: idle)) == one)
        #expect(
            line(Self.estimate(workers: 0, load: idle), isRemote: true)
                == one + "; the time with workers depends on their hosts and the link")
        #expect(
            line(Self.estimate(workers: 2, load: idle))
                == "time        at least 616 ms on 2 workers, whose messages are not counted: 1,000 steps of 0.116 ms and "
                + "10 evaluations of 50.0 ms; about 1.1 s in one process")
        #expect(
            line(Self.estimate(evaluations: 0, workers: 0, load: idle), mayStopEarly: true)
                == "time        about 116 ms in one process of this host: at most 1,000 steps of 0.116 ms")
        #expect(line(Self.estimate(epochs: 0, workers: 0, load: idle)) == "time        no steps")
        #expect(
            line(Self.estimate(workers: 2, load: MachineLoad(usedByOthers: 1, cores: 2))).hasSuffix(
                "; this machine is busy (other programs use 1.0 of its 2 cores): figures may be off by 2 x"))
    }

    @Test("A data set's listing has a line for each file, with what is wrong with it")
    func data() throws {
        let report = try DataCache(directory: "/nowhere").verify("mnist")
        #expect(report.lines.count == 5)
        #expect(report.lines[0] == "mnist: MNIST, handwritten digits of 28 x 28 pixels, in \(report.directory)")
        #expect(
            report.lines[1] == "  missing   -  -  \(report.directory)/train-images-idx3-ubyte")
    }

    private static func summary(_ weights: String = "dd4b5e59", correct: Int = 90) -> RunSummary {
        let digest = weights + String(repeating: "0", count: 56)
        let epoch = EpochReport(
            epoch: 0, test: SplitScore(correct: correct, total: 100, meanLoss: 0.1, predictions: []), validation: nil,
            meanTrainingLoss: 0.1, seconds: 1, samples: 100, totalSteps: 1_200, workers: 3, weightsSHA256: digest,
            isBest: true)
        var membership = MembershipCounts()
        (membership.lost, membership.shardsReassigned) = (1, 2)
        return RunSummary(
            run: RunDescription(
                configuration: RunConfiguration(
                    name: "a", data: .named("mnist"), network: Architecture(sizes: [784, 10]), cost: .quadratic,
                    training: TrainingOptions(epochs: 1, batch: 10, seed: 1), optimizer: .sgd(learningRate: 3)),
                dataset: DatasetDescription(
                    name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 100,
                    validationCount: 0, testCount: 100, sha256: ""),
                shards: 3, workers: 3, kernel: "avx2", parameterCount: 7_850, stepsPerEpoch: 1_200),
            outcome: RunOutcome(
                epochs: [epoch], steps: 1_200, seconds: 2, samples: 100, weightsSHA256: digest, membership: membership,
                maximumStepGapMilliseconds: 12.34, interrupted: false),
            programVersion: "1", peakMemoryBytes: nil)
    }

    private static func injection(
        _ fault: ChaosPlan.Fault, _ effect: ChaosInjection.Effect, target: ChaosInjection.Target = .worker(1)
    ) -> String? {
        ChaosText.line(
            .injection(
                ChaosInjection(
                    seconds: 0.8124, step: 1_204, fault: fault, target: target, processID: 7, effect: effect)))
    }

    @Test("Faults of a run")
    func faults() {
        let start = "  0.812 s   step 1,204   "
        #expect(Self.injection(.join, .none) == start + "join worker 1 (pid 7)")
        #expect(
            Self.injection(.kill, .replaced(after: 0.314)) == start + "kill worker 1 (pid 7): replaced after 0.31 s")
        #expect(Self.injection(.stop, .stopped(seconds: 2)) == start + "stop worker 1 (pid 7): for 2.00 s")
        #expect(
            Self.injection(.slow, .slowed(seconds: 2))
                == start + "slow worker 1 (pid 7): a tenth of the processor time for 2.00 s")
        #expect(
            Self.injection(.drop, .disconnected(seconds: 2)) == start
                + "drop worker 1 (pid 7): no connection for 2.00 s")
        #expect(
            Self.injection(.partition, .partitioned(seconds: 2, isCut: true))
                == start + "partition worker 1 (pid 7): for 2.00 s, then the connection is cut")
        #expect(
            Self.injection(.partition, .partitioned(seconds: 2, isCut: false))
                == start + "partition worker 1 (pid 7): for 2.00 s, then it heals")
        #expect(
            Self.injection(
                .coordinator, .resumed(after: 0.2, workers: 1, before: 3, checkpoint: 900), target: .coordinator)
                == start
                + "kill coordinator (pid 7): back after 0.20 s with 1 worker instead of 3; the newest checkpoint "
                + "is of step 900")
        #expect(
            Self.injection(
                .coordinator, .resumed(after: 0.2, workers: 3, before: 3, checkpoint: 0), target: .coordinator)
                == start + "kill coordinator (pid 7): back after 0.20 s; the newest checkpoint is of step 0")
    }

    @Test("A series under chaos")
    func series() {
        #expect(ChaosText.line(.undisturbed(Self.summary())) == "Undisturbed: 1,200 steps, weights dd4b5e59")
        var outcome = ChaosOutcome()
        outcome.injected = [.kill: 2, .coordinator: 1]
        outcome.planned = 4
        outcome.summary = Self.summary()
        outcome.redoneSteps = [40]
        var result = ChaosResult(undisturbed: Self.summary(), checkpointSeconds: 0.5)
        result.add(outcome, seed: 5, isEqual: true)
        #expect(
            ChaosText.line(.finished(run: 1, seed: 5, outcome, isEqual: true))
                == "Run 1 (seed 5): 3 faults, 1 worker lost, 2 shards reassigned, longest gap 12.3 ms, weights dd4b5e59, "
                + "equal")
        #expect(
            ChaosText.lines(result) == [
                "Faults: 2 kill, 1 coordinator",
                "Left out: 1 fault, because the run ended before two workers were healthy",
                "Shards reassigned: 2, in 1 of 1 runs",
                "Longest time between two steps: median 12.3 ms, 99th percentile 12.3 ms, maximum 12.3 ms; undisturbed "
                    + "12.3 ms",
                "Steps repeated after 1 killed coordinator: at most 40; a run takes 300 to 300 steps between two "
                    + "checkpoints",
                "Weights: dd4b5e59\(String(repeating: "0", count: 56)) undisturbed, the same in 1 of 1 runs",
            ])
        #expect(result.isGood)
        var failed = ChaosOutcome()
        failed.problems = ["worker 0 ended"]
        result.add(failed, seed: 6, isEqual: false)
        #expect(ChaosText.line(.finished(run: 2, seed: 6, failed, isEqual: false)) == nil)
        #expect(
            ChaosText.failure(result, folder: "/tmp/c")
                == "1 of 2 runs ended with other weights or not at all, and 1 problem occurred that no fault explains; see "
                + "/tmp/c")
    }
}
