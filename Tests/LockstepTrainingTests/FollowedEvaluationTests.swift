import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining
import Testing

/// What a run makes of its evaluations: it lowers the learning rate, or stops early.
@Suite("Evaluations that a run follows")
struct FollowedEvaluationTests {
    /// A run of many epochs that soon stops improving: it has seven validation samples.
    private static func fixture(
        plateau: Int? = nil, schedule: ScheduleConfiguration = .constant, epochs: Int = 30, every: Int = 1
    ) throws -> TrainingFixture {
        var fixture = try TrainingFixture(optimizer: .sgd(learningRate: 0.5, momentum: 0.5))
        fixture.configuration.training.epochs = epochs
        fixture.configuration.training.earlyStoppingPlateau = plateau
        fixture.configuration.schedule = schedule
        fixture.configuration.evaluation.every = every
        return fixture
    }

    /// The evaluation, counted from 0, after which so many in a row were no better; nil: there is none.
    private static func end(_ counts: [Int], plateau: Int) -> Int? {
        counts.indices.first { last in
            let first = last - plateau + 1
            guard first > 0 else { return false }
            return counts[first...last].allSatisfy { $0 <= counts[..<first].max() ?? -1 }
        }
    }

    @Test(
        "A run stops once so many evaluations in a row were no better than the best before",
        arguments: [1, 2, 5], [1, 3])
    func earlyStopping(plateau: Int, every: Int) throws {
        let whole = try Self.fixture(every: every).train()
        let counts = whole.epochs.compactMap { $0.validation?.correct }
        let end = try #require(Self.end(counts, plateau: plateau))
        let run = try Self.fixture(plateau: plateau, every: every).train()
        #expect(run.epochs.count == (end + 1) * every && run.epochs.count < 30)
        #expect(run.epochs.map(Essence.init) == whole.epochs.prefix(run.epochs.count).map(Essence.init))
        #expect(run.earlyStoppingPlateau == plateau && !run.interrupted)
        #expect(run.weightsSHA256 == run.epochs.last?.weightsSHA256)
        let best = try #require(run.selectedEpoch)
        #expect(run.epochs.allSatisfy { $0.validation?.correct ?? 0 <= best.validation?.correct ?? 0 })
    }

    @Test("A run whose last epoch comes first does not stop early")
    func notStopped() throws {
        let run = try Self.fixture(plateau: 29, epochs: 4).train()
        #expect(run.epochs.count == 4 && run.earlyStoppingPlateau == nil)
    }

    @Test("A run that stopped early, resumed from any state, stops at the same epoch, and with more patience goes on")
    func resumedEarlyStopping() throws {
        let fixture = try Self.fixture(plateau: 2)
        let store = MemoryStore(keepsAll: true)
        let whole = try fixture.train(checkpoints: store)
        #expect(whole.epochs.count < 30)
        for state in store.states {
            let resumed = try fixture.train(from: state)
            expectSame(resumed, whole, "from step \(state.progress.step)")
            #expect(resumed.earlyStoppingPlateau == 2)
        }
        let longer = try Self.fixture(plateau: 6)
        expectSame(try longer.train(from: store.states.last), try longer.train(), "with more patience")
        let endless = try Self.fixture()
        expectSame(try endless.train(from: store.states.last), try endless.train(), "without patience")
    }

    @Test("On a plateau the learning rate falls for the epochs that follow, and with it the steps", arguments: [1, 2])
    func plateau(every: Int) throws {
        let schedule = ScheduleConfiguration.reduceOnPlateau(factor: 0.5, plateau: 2, minimum: 0.01)
        let run = try Self.fixture(schedule: schedule, every: every).train()
        let rate = LearningRate(peak: 0.5, schedule: schedule, stepsPerEpoch: 5, epochs: 30)
        for epoch in run.epochs {
            #expect(epoch.learningRate == rate.value(at: 0), "epoch \(epoch.epoch)")
            if let validation = epoch.validation { rate.add(validation.merit) }
        }
        #expect(Set(run.epochs.map(\.learningRate)).count > 2)
        #expect(run.weightsSHA256 != (try Self.fixture(every: every).train()).weightsSHA256)
    }

    @Test("A rate that follows evaluations is the same in a run that is resumed from any state, by any source")
    func resumedPlateau() throws {
        let fixture = try Self.fixture(
            plateau: 12, schedule: .reduceOnPlateau(factor: 0.5, plateau: 1, minimum: 0.01), epochs: 12)
        let store = MemoryStore(keepsAll: true)
        let whole = try fixture.train(source: ShardSource(fixture), checkpoints: store)
        #expect(Set(whole.epochs.map(\.learningRate)).count > 3)
        for state in store.states {
            let resumed = try fixture.train(from: state)
            expectSame(resumed, whole, "from step \(state.progress.step)")
            #expect(resumed.epochs.map(\.learningRate) == whole.epochs.map(\.learningRate))
        }
    }

    @Test("A run that goes back to an earlier state follows the evaluations of that state alone")
    func rewound() throws {
        let fixture = try Self.fixture(
            plateau: 12, schedule: .reduceOnPlateau(factor: 0.5, plateau: 1, minimum: 0.01), epochs: 12)
        let whole = try fixture.train()
        let store = MemoryStore(keepsAll: false)
        store.afterStep = { _, steps in if steps == 36 { store.flipOnce() } }
        let run = try fixture.train(checkpoints: store)
        #expect(run.membership.rewinds == 1)
        expectSame(run, whole, "rewound")
        #expect(run.epochs.map(\.learningRate) == whole.epochs.map(\.learningRate))
    }

    @Test("A data set without validation samples is refused, with the key that needs them")
    func noValidation() throws {
        let description = try TrainingCase(validation: 0).dataset.description
        var configuration = try TrainingCase(validation: 0).configuration
        try configuration.check(against: description)
        configuration.training.earlyStoppingPlateau = 3
        #expect(
            throws: TrainingError.invalidConfiguration(
                "training.early-stopping needs validation samples, and data set 'random' has none; choose another data "
                    + "set, or remove training.early-stopping")
        ) { try configuration.check(against: description) }
        configuration.training.earlyStoppingPlateau = nil
        configuration.schedule = .reduceOnPlateau()
        #expect(throws: TrainingError.self) { try configuration.check(against: description) }
    }
}
