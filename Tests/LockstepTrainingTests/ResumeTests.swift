import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining
import Testing

/// The parts of a report that must not depend on where a run was interrupted.
struct Essence: Equatable {
    var correct: Int?
    var cost: Double?
    var validation: Int?
    var trainingCost: Double
    var totalSteps: Int
    var weights: String
    var isBest: Bool

    init(_ report: EpochReport) {
        correct = report.test?.correct
        cost = report.test?.meanLoss
        validation = report.validation?.correct
        trainingCost = report.meanTrainingLoss
        totalSteps = report.totalSteps
        weights = report.weightsSHA256
        isBest = report.isBest
    }
}

func expectSame(_ outcome: RunOutcome, _ whole: RunOutcome, _ comment: Comment) {
    #expect(outcome.weightsSHA256 == whole.weightsSHA256, comment)
    #expect(outcome.epochs.map(Essence.init) == whole.epochs.map(Essence.init), comment)
    #expect(outcome.steps == whole.steps && outcome.samples == whole.samples, comment)
    #expect(!outcome.interrupted)
}

/// One without state, one with one buffer, two with two buffers, of which one has running products.
let statefulOptimizers: [OptimizerConfiguration] = [
    .sgd(learningRate: 0.5), .sgd(learningRate: 0.5, momentum: 0.9), .adamW(learningRate: 0.01),
    .rmsProp(learningRate: 0.01, momentum: 0.5),
]

struct ResumeTests {
    /// An epoch of the fixture: five steps, and then an evaluation of two blocks.
    private static let (steps, blocks) = (5, 2)

    @Test(
        "A run that is stopped at any step or block and resumed ends with the weights and reports of the undisturbed run",
        arguments: statefulOptimizers)
    func stopped(optimizer: OptimizerConfiguration) throws {
        let fixture = try TrainingFixture(optimizer: optimizer)
        let whole = try fixture.train()
        #expect(whole.steps == 10)
        for stop in 0...14 {
            let store = MemoryStore(keepsAll: false)
            var asked = 0
            let part = try fixture.train(checkpoints: store) {
                asked += 1
                return asked > stop
            }
            let (epoch, place) = stop.quotientAndRemainder(dividingBy: Self.steps + Self.blocks)
            let steps = min(10, Self.steps * epoch + min(place, Self.steps))
            #expect(part.steps == steps && part.epochs.count == epoch)
            #expect(part.interrupted == (stop < 14))
            #expect(store.states.map(\.progress.step) == [UInt64(steps)])
            expectSame(try fixture.train(from: store.states.last), whole, "stopped after \(stop) steps and blocks")
        }
    }

    @Test(
        "Any state that was kept on the way leads to the same weights, with one process or with several",
        arguments: statefulOptimizers)
    func kept(optimizer: OptimizerConfiguration) throws {
        let fixture = try TrainingFixture(optimizer: optimizer)
        let whole = try fixture.train()
        let store = MemoryStore(keepsAll: true)
        expectSame(try fixture.train(source: ShardSource(fixture), checkpoints: store), whole, "by shards")
        #expect(store.states.map(\.progress.step) == Array(1...10))
        for state in store.states {
            let step: Comment = "from step \(state.progress.step)"
            expectSame(try fixture.train(from: state), whole, step)
            expectSame(try fixture.train(from: state, source: ShardSource(fixture)), whole, step)
        }
    }

    @Test("A finished run can be given more epochs")
    func moreEpochs() throws {
        var longer = try TrainingFixture()
        let store = MemoryStore(keepsAll: false)
        _ = try longer.train(checkpoints: store)
        longer.configuration.training.epochs = 4
        expectSame(try longer.train(from: store.states.last), try longer.train(), "from epoch 2 to 4")
    }

    @Test(
        "A run whose workers are lost within a step saves a state that leads to the same weights",
        arguments: statefulOptimizers)
    func lost(optimizer: OptimizerConfiguration) throws {
        let fixture = try TrainingFixture(optimizer: optimizer)
        let whole = try fixture.train()
        for step in 0..<10 as Range<UInt64> {
            let store = MemoryStore(keepsAll: false)
            let source = try ShardSource(fixture)
            source.failingStep = step
            #expect(throws: ShardSource.Lost.self) { try fixture.train(source: source, checkpoints: store) }
            // Some of the next weights had been computed: this process computed the others.
            #expect(store.states.map(\.progress.step) == [step + 1])
            expectSame(try fixture.train(from: store.states.last), whole, "lost in step \(step)")
        }
    }

    @Test("So does a run that clips by the norm: it has kept chunks of the lost workers' gradient")
    func lostWhileClipping() throws {
        for optimizer in statefulOptimizers {
            var fixture = try TrainingFixture(optimizer: optimizer)
            fixture.configuration.training.clipNorm = 0.05
            let whole = try fixture.train()
            for step in 0..<10 as Range<UInt64> {
                let store = MemoryStore(keepsAll: false)
                let source = try ShardSource(fixture)
                source.failingStep = step
                #expect(throws: ShardSource.Lost.self) { try fixture.train(source: source, checkpoints: store) }
                #expect(store.states.map(\.progress.step) == [step + 1])
                expectSame(try fixture.train(from: store.states.last), whole, "lost in step \(step)")
            }
        }
    }

    @Test("A run whose workers are lost before the first result of a step saves a state as well")
    func lostEarly() throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        source.willStep = { if $0 == 6 { throw ShardSource.Lost() } }
        let store = MemoryStore(keepsAll: false)
        #expect(throws: ShardSource.Lost.self) { try fixture.train(source: source, checkpoints: store) }
        #expect(store.states.map(\.progress.step) == [7])
        expectSame(try fixture.train(from: store.states.last), try fixture.train(), "lost before step 6")
    }

    @Test("A state of another run is refused")
    func foreign() throws {
        let fixture = try TrainingFixture()
        let store = MemoryStore(keepsAll: false)
        _ = try fixture.train(checkpoints: store)
        var state = try #require(store.states.last)
        state.progress.epochs.removeAll()
        #expect(throws: TrainingError.self) { try fixture.train(from: state) }
    }

    @Test("No epochs leave the initial weights, and a run without evaluation has no best epoch")
    func degenerate() throws {
        var fixture = try TrainingFixture()
        fixture.configuration.evaluation.every = 0
        let outcome = try fixture.train()
        #expect(outcome.epochs.count == 2)
        #expect(outcome.epochs.allSatisfy { !$0.isBest && $0.test == nil })
        fixture.configuration.training.epochs = 0
        let store = MemoryStore(keepsAll: true)
        let none = try fixture.train(checkpoints: store)
        #expect(none.steps == 0 && none.epochs.isEmpty && !none.interrupted)
        let initial = FloatBuffer(count: try fixture.computer().layout.count)
        try fixture.configuration.makeModel().initialize(seed: 3, into: initial)
        #expect(try #require(store.states.last).parameters.values == initial.values)
    }
}
