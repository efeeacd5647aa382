import LockstepCostModel
import Testing

@Suite("Busy machines")
struct MachineLoadTests {
    @Test(
        "A machine is busy if too few cores are left for the processes that are to compute",
        arguments: [
            // (used by others, cores, processes, busy)
            (0, 2, 2, false), (0.3, 2, 2, false), (0.5, 2, 2, true), (1, 2, 2, true), (1, 2, 1, false),
            (1.7, 2, 1, true), (10, 64, 4, false), (60.5, 64, 4, true), (60.5, 64, 3, false),
            // More processes than cores share them anyway.
            (0.1, 2, 8, false), (0.6, 2, 8, true), (nil, 2, 2, false),
        ] as [(Double?, Int, Int, Bool)])
    func cores(used: Double?, cores: Int, processes: Int, isBusy: Bool) {
        #expect(MachineLoad(usedByOthers: used, cores: cores).isBusy(computing: processes) == isBusy)
    }

    @Test("A thread that gets too little of the time shows a busy machine without /proc")
    func share() {
        func load(_ share: Double) -> MachineLoad { MachineLoad(usedByOthers: nil, threadShare: share, cores: 64) }
        #expect(!load(1).isBusy(computing: 1) && !load(0.9).isBusy(computing: 1))
        #expect(load(0.8).isBusy(computing: 1) && load(0).isBusy(computing: 1))
        #expect([1, 0.6, 0.5, 0.34, 0.3, 0].map { load($0).uncertainty } == [2, 2, 2, 3, 4, 100])
    }

    @Test("Figures that make no sense are no signs")
    func nonsense() {
        let load = MachineLoad(usedByOthers: -3, threadShare: .nan, cores: 0)
        #expect(load.usedByOthers == 0 && load.threadShare == 1 && load.cores == 1)
        #expect(!load.isBusy(computing: 1) && MachineLoad(usedByOthers: 0, threadShare: 7, cores: 2).threadShare == 1)
    }
}

@Suite("A model's error, and where workers break even")
struct CrossValidationTests {
    private static let model = CostModel(
        compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6, messages: .init(fixed: 0, each: 0),
        parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 4, contention: 1)

    /// A step of a machine whose messages cost 100 us and 20 us for each worker.
    private static func observation(workers: Int, slowedBy factor: Double = 1) -> CostModel.Observation {
        var truth = model
        truth.messages = .init(fixed: 100e-6, each: 20e-6)
        let step =
            workers == 0
            ? truth.single(batch: 100, shards: 1)
            : truth.distributed(batch: 100, shards: workers, workers: workers)
        return .init(
            batch: 100, shards: max(1, workers), workers: workers, seconds: factor * step.total, compute: step.compute)
    }

    @Test("Where the model is right, its error is 0 at points that it was not fitted to")
    func exact() throws {
        let errors = Self.model.errorsLeavingOneOut([0, 1, 2, 4].map { Self.observation(workers: $0) })
        #expect(errors.count == 4)
        for error in errors { #expect(try abs(#require(error)) < 1e-9) }
    }

    @Test("A point that the model would be fitted to does not hide its error")
    func outlier() throws {
        // Two numbers of workers: a fit to both passes through both, whatever they are.
        let observations = [Self.observation(workers: 0), Self.observation(workers: 1), Self.observation(workers: 4)]
        var fitted = Self.model
        fitted.fit(observations)
        #expect(observations.allSatisfy { abs(fitted.error(of: $0)) < 1e-9 })
        let errors = Self.model.errorsLeavingOneOut(observations)
        // Without the step of one worker, all 180 us of messages to four workers count as fixed: 296 us instead of 236.
        let (first, second) = (try #require(errors[1]), try #require(errors[2]))
        #expect(abs(first - (296.0 / 236 - 1)) < 1e-9)
        #expect(second < 0)
        #expect(try abs(#require(errors[0])) < 1e-9)
    }

    @Test("The only point with workers cannot be left out; one process can: the calibration predicts it")
    func only() throws {
        let errors = Self.model.errorsLeavingOneOut([
            Self.observation(workers: 0, slowedBy: 1.25), Self.observation(workers: 2),
        ])
        #expect(errors[1] == nil)
        #expect(try abs(#require(errors[0]) - (1 / 1.25 - 1)) < 1e-9)
        #expect(Self.model.errorsLeavingOneOut([]).isEmpty)
    }

    @Test("The break-even is an interval that widens with the error")
    func breakEven() throws {
        var model = Self.model
        model.messages = .init(fixed: 100e-6, each: 20e-6)
        let crossover = try #require(model.crossover(workers: 2, limit: 50_000))
        #expect(
            model.breakEven(workers: 2, limit: 50_000, error: 0) == BreakEven(earliest: crossover, latest: crossover))
        let wide = model.breakEven(workers: 2, limit: 50_000, error: 0.3)
        // One process takes 16 + m us, two workers 160 + m / 2: 0.7 times that is less from 148 samples on, 1.3 times that
        // from 550 on.
        #expect(wide == BreakEven(earliest: 148, latest: 550))
        #expect(model.breakEven(workers: 2, limit: 300, error: 0.3) == BreakEven(earliest: 148, latest: nil))
        #expect(model.breakEven(workers: 2, limit: 50_000, error: 1).latest == nil)
        #expect(model.breakEven(workers: 2, limit: 50_000, error: 5).earliest == 1)
        #expect(model.breakEven(workers: 2, limit: 100, error: 0.3) == BreakEven(earliest: nil, latest: nil))
    }
}
