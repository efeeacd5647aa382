import LockstepNetwork
import LockstepNumerics
import LockstepSharding
import LockstepTraining
import Testing

/// Notes how a run has recovered.
private final class RecoveryLog: RunObserver {
    private(set) var recoveries: [Recovery] = []

    func runWillStart(_ run: RunDescription) {}
    func runDidProgress(_ progress: StepProgress) {}
    func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {}
    func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) {}
    func runDidRecover(_ recovery: Recovery) { recoveries.append(recovery) }
}

/// A wrong answer of shard 1 in step 7.
struct Lie: CustomTestStringConvertible {
    let testDescription: String
    let change: @Sendable (FloatBuffer, inout Double) -> Void

    static let all = [
        Lie("a loss that is not a number") { _, loss in loss = .nan },
        Lie("an infinite loss") { _, loss in loss = .infinity },
        Lie("NaN in the first number") { gradient, _ in gradient.buffer[0] = .nan },
        Lie("infinity in a middle number") { gradient, _ in gradient.buffer[20] = -.infinity },
        Lie("NaN in the last number") { gradient, _ in gradient.buffer[42] = .nan },
        Lie("NaN everywhere") { gradient, loss in
            for index in 0..<gradient.count { gradient.buffer[index] = .nan }
            loss = .nan
        },
        Lie("wrong numbers in the last layer, NaN in the first") { gradient, _ in
            for index in 28..<43 { gradient.buffer[index] *= 2 }
            gradient.buffer[0] = .nan
        },
    ]

    private init(_ text: String, _ change: @escaping @Sendable (FloatBuffer, inout Double) -> Void) {
        testDescription = text
        self.change = change
    }
}

@Suite("Recovery from wrong numbers")
struct WrongNumberTests {
    @Test(
        "A worker that answers what is not finite is excluded, and the run ends with the weights of an honest one",
        arguments: Lie.all, statefulOptimizers)
    func liar(lie: Lie, optimizer: OptimizerConfiguration) throws {
        var fixture = try TrainingFixture(optimizer: optimizer)
        // So that a sum of large numbers is too large for the weights, whatever the optimizer.
        fixture.configuration.training.batch = 5
        for store in [MemoryStore(keepsAll: false), MemoryStore(keepsAll: true)] {
            let source = try ShardSource(fixture)
            source.tamper = { step, shard, gradient, loss in
                if step == 7 && shard == 1 { lie.change(gradient, &loss) }
            }
            let log = RecoveryLog()
            let outcome = try fixture.train(source: source, checkpoints: store, observers: [log])
            expectSame(outcome, try fixture.train(), "\(lie) \(optimizer)")
            #expect(log.recoveries.count == 1)
            let recovery = try #require(log.recoveries.first)
            #expect(
                recovery.reason.hasPrefix("step 7: the ") && recovery.reason.contains("computed by worker 6, is wrong"))
            #expect(source.excluded.map(\.rawValue) == [6] && source.abandoned >= 1)
            #expect(outcome.membership.stepsRepeated == (recovery.rewoundTo.map { 8 - Int($0.step) } ?? 1))
            #expect(outcome.membership.rewinds == (recovery.rewoundTo == nil ? 0 : 1))
            let isStateless = optimizer.optimizer as? SGD == SGD(learningRate: 0.5)
            if isStateless { #expect(recovery.rewoundTo == nil) }
        }
    }

    @Test(
        "With clipping by the norm, the liar is found before any weight is updated", arguments: Lie.all,
        statefulOptimizers)
    func liarAndClipping(lie: Lie, optimizer: OptimizerConfiguration) throws {
        var fixture = try TrainingFixture(optimizer: optimizer)
        fixture.configuration.training.clipNorm = 0.05
        let source = try ShardSource(fixture)
        source.tamper = { step, shard, gradient, loss in
            if step == 7 && shard == 1 { lie.change(gradient, &loss) }
        }
        let log = RecoveryLog()
        let outcome = try fixture.train(source: source, checkpoints: MemoryStore(keepsAll: false), observers: [log])
        expectSame(outcome, try fixture.train(), "\(lie) \(optimizer)")
        #expect(source.excluded.map(\.rawValue) == [6] && log.recoveries.count == 1)
        // The loss of a shard comes after its gradient, and may be found wrong after the update.
        let isGradientWrong = lie.testDescription.contains("number") && !lie.testDescription.contains("loss")
        if isGradientWrong { #expect(outcome.membership.rewinds == 0 && outcome.membership.stepsRepeated == 1) }
    }

    @Test("Finite numbers that were wrong in an earlier step are found by checking all steps since the last checkpoint")
    func earlier() throws {
        var fixture = try TrainingFixture()
        fixture.configuration.network = Architecture(
            sizes: [6, 4, 3], activation: .relu, output: .softmax)
        fixture.configuration.cost = .crossEntropy
        let source = try ShardSource(fixture)
        source.auditable = true
        source.tamper = { step, shard, gradient, _ in
            guard step == 4 && shard == 2 else { return }
            for index in 0..<gradient.count { gradient.buffer[index] = -1e38 }
        }
        let log = RecoveryLog()
        let outcome = try fixture.train(source: source, observers: [log])
        expectSame(outcome, try fixture.train(), "audited")
        #expect(log.recoveries.map(\.rewoundTo?.step) == [0])
        #expect(outcome.membership.rewinds == 1 && outcome.membership.stepsRepeated == 6)
    }

    @Test("A wrong result of this process itself is computed again")
    func own() throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        source.isLocal = true
        var wrongResults = 1
        source.tamper = { step, _, gradient, _ in
            if step == 3 && wrongResults > 0 {
                gradient.buffer[5] = .nan
                wrongResults -= 1
            }
        }
        let log = RecoveryLog()
        expectSame(try fixture.train(source: source, observers: [log]), try fixture.train(), "own")
        #expect(source.excluded.isEmpty && log.recoveries.count == 1)
        #expect(log.recoveries.first?.reason.hasSuffix("and this process computes finite numbers") == true)
    }
}

@Suite("Recovery from faults of the memory")
struct MemoryFaultTests {
    /// What changes, and when.
    enum Target: CaseIterable {
        case weights, optimizer
    }

    @Test("A bit that flips between two steps leads back to the newest checkpoint and to the same weights")
    func flip() throws {
        for optimizer in statefulOptimizers {
            let fixture = try TrainingFixture(optimizer: optimizer)
            let whole = try fixture.train()
            for target in Target.allCases {
                for keepsAll in [false, true] {
                    let store = MemoryStore(keepsAll: keepsAll)
                    var flips = 0
                    store.afterStep = { state, steps in
                        guard steps == 4 else { return }
                        let buffer = target == .weights ? state.parameters : state.optimizer.last?.buffer
                        guard let word = buffer?.pointer[3].bitPattern else { return }
                        buffer?.pointer[3] = Float(bitPattern: word ^ 1)
                        flips += 1
                    }
                    let log = RecoveryLog()
                    let outcome = try fixture.train(checkpoints: store, observers: [log])
                    expectSame(outcome, whole, "\(target) \(optimizer)")
                    #expect(log.recoveries.count == flips)
                    guard flips > 0 else { continue }
                    let part = target == .weights ? "the weights" : "the optimizer's memory"
                    let recovery = try #require(log.recoveries.first)
                    #expect(
                        recovery.reason == "\(MemoryFault(target == .weights ? .weights : .optimizer, step: 4))")
                    #expect(recovery.reason.contains("step 4: \(part) changed"))
                    #expect(recovery.rewoundTo?.step == (keepsAll ? 3 : 0))
                    // No state was saved with the flipped bit.
                    #expect(!keepsAll || store.states.map(\.progress.step) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
                }
            }
        }
    }

    @Test("A bit that flips in the weights before the first step is found")
    func beforeFirst() throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        let store = MemoryStore(keepsAll: false)
        source.willStep = { if $0 == 0 { store.flipOnce() } }
        let log = RecoveryLog()
        expectSame(
            try fixture.train(source: source, checkpoints: store, observers: [log]), try fixture.train(), "first")
        #expect(log.recoveries.map(\.rewoundTo?.step) == [0])
    }

    @Test("Rounded weights that change are found when they are replaced")
    func rounded() throws {
        var fixture = try TrainingFixture()
        fixture.configuration.communicationDataType = .bfloat16
        let whole = try fixture.train()
        let log = RecoveryLog()
        var flips = 1
        let source = try ShardSource(fixture)
        source.willCompute = { step, parameters in
            guard step == 4, flips > 0 else { return }
            flips -= 1
            let buffer = parameters.forward(step)
            buffer.pointer[2] = Float(bitPattern: buffer.pointer[2].bitPattern ^ (1 << 20))
        }
        expectSame(try fixture.train(source: source, observers: [log]), whole, "rounded")
        #expect(log.recoveries.map(\.rewoundTo?.step) == [0])
        #expect(log.recoveries.first?.reason.contains("the rounded weights changed") == true)
    }

    /// Flips a bit of a buffer.
    private static func flip(_ buffer: FloatBuffer) {
        buffer.pointer[3] = Float(bitPattern: buffer.pointer[3].bitPattern ^ 1)
    }

    @Test("Where two results differ because the weights changed, the run goes back and no worker is blamed")
    func mismatch() throws {
        for isFlipped in [false, true] {
            let fixture = try TrainingFixture()
            let source = try ShardSource(fixture)
            source.mismatchStep = 4
            var flips = isFlipped ? 1 : 0
            source.willCompute = { step, parameters in
                guard step == 4, flips > 0 else { return }
                flips -= 1
                Self.flip(parameters.current)
            }
            let log = RecoveryLog()
            expectSame(try fixture.train(source: source, observers: [log]), try fixture.train(), "mismatch")
            #expect(log.recoveries.map(\.rewoundTo?.step) == (isFlipped ? [0] : []))
            #expect(source.excluded.isEmpty && source.abandoned == (isFlipped ? 1 : 0))
        }
    }

    @Test("A state is saved with the sums of its bits, by which a copy that has changed is told")
    func sums() throws {
        for optimizer in statefulOptimizers {
            let store = MemoryStore(keepsAll: true)
            _ = try TrainingFixture(optimizer: optimizer).train(checkpoints: store)
            for state in store.states {
                #expect(state.sums != nil && state.isIntact, "\(optimizer), step \(state.progress.step)")
                Self.flip(state.optimizer.last?.buffer ?? state.parameters)
                #expect(!state.isIntact)
            }
        }
    }

    @Test("Weights that change after the last state was saved are found before the run ends")
    func afterLast() throws {
        let fixture = try TrainingFixture()
        let store = MemoryStore(keepsAll: true)
        var flips = 1
        store.afterSave = { state, isLast in
            guard isLast, flips > 0 else { return }
            flips -= 1
            Self.flip(state.parameters)
        }
        let log = RecoveryLog()
        expectSame(try fixture.train(checkpoints: store, observers: [log]), try fixture.train(), "last")
        #expect(log.recoveries.map(\.rewoundTo?.step) == [10])
    }

    @Test("Weights that change while the final model is written end the run with an error")
    func whileWritten() throws {
        let fixture = try TrainingFixture()
        #expect(throws: TrainingError.memoryFault(MemoryFault(.weights, step: 10))) {
            try fixture.train(observers: [FlippingObserver()])
        }
    }

    /// Flips a bit of the final weights.
    private final class FlippingObserver: RunObserver {
        func runWillStart(_ run: RunDescription) {}
        func runDidProgress(_ progress: StepProgress) {}
        func epochDidFinish(_ epoch: EpochReport, parameters: FloatBuffer) {}
        func runDidFinish(_ outcome: RunOutcome, parameters: FloatBuffer) { MemoryFaultTests.flip(parameters) }
        func runDidRecover(_ recovery: Recovery) {}
    }

    @Test("Memory that changes again and again ends the run")
    func broken() throws {
        let fixture = try TrainingFixture()
        let store = MemoryStore(keepsAll: false)
        store.afterStep = { state, _ in
            state.parameters.pointer[3] = Float(bitPattern: state.parameters.pointer[3].bitPattern ^ 1)
        }
        #expect(throws: TrainingError.memoryFault(MemoryFault(.weights, step: 2))) {
            try fixture.train(checkpoints: store)
        }
    }
}

@Suite("Recovery from faults of workers' memory")
struct WorkerMemoryFaultTests {
    private static func fault(_ step: UInt64) -> MemoryFault {
        MemoryFault(.dataset, step: step, worker: "worker 2 (host, pid 7)")
    }

    @Test("It names the worker and its host")
    func description() {
        #expect(
            "\(Self.fault(5))"
                == "step 5: the data set changed in the memory of worker 2 (host, pid 7) without being written; check that "
                + "host's memory and processor")
    }

    @Test("The workers' data sets are verified before each state that is saved")
    func verified() throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        var verified: [UInt64] = []
        source.willVerify = { verified.append($0) }
        let store = MemoryStore(keepsAll: true)
        _ = try fixture.train(source: source, checkpoints: store)
        // The state after step 5 is saved after the epoch's evaluation.
        #expect(store.states.map(\.progress.step) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        #expect(verified == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
        verified = []
        _ = try fixture.train(source: source, checkpoints: MemoryStore(keepsAll: false))
        #expect(verified == [10])
    }

    @Test("They are verified before the last state of a run that stops early, and of one that is told to stop")
    func lastState() throws {
        var fixture = try TrainingFixture()
        fixture.configuration.training.epochs = 50
        fixture.configuration.optimizer = .sgd(learningRate: 0)
        fixture.configuration.training.earlyStoppingPlateau = 2
        let source = try ShardSource(fixture)
        var verified: [UInt64] = []
        source.willVerify = { verified.append($0) }
        let early = try fixture.train(source: source)
        #expect(early.steps == 15 && verified.last == 15)
        var steps = 0
        let stopped = try fixture.train(
            source: source,
            shouldStop: {
                steps += 1
                return steps > 7
            })
        #expect(stopped.interrupted && verified.last == UInt64(stopped.steps))
    }

    /// Where a worker's fault is reported.
    enum Place: CaseIterable {
        case verification, step, evaluation
    }

    @Test("A fault that verifying finds, or that a worker reports by itself, leads back", arguments: Place.allCases)
    func rewound(place: Place) throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        var isFaulty = true
        // Its results are wrong from step 2 on.
        source.tamper = { step, _, gradient, _ in if step >= 2 && isFaulty { gradient.buffer[3] += 1 } }
        func report(_ step: UInt64) throws {
            guard isFaulty else { return }
            isFaulty = false
            throw Self.fault(step)
        }
        switch place {
        case .verification: source.willVerify = report
        case .step: source.willStep = { if $0 == 7 { try report(7) } }
        case .evaluation: source.willEvaluate = { try report(5) }
        }
        let log = RecoveryLog()
        let outcome = try fixture.train(
            source: source, checkpoints: MemoryStore(keepsAll: false), observers: [log])
        expectSame(outcome, try fixture.train(), "\(place)")
        let step: UInt64 = place == .verification ? 10 : place == .step ? 7 : 5
        #expect(log.recoveries.map(\.reason) == ["\(Self.fault(step))"])
        #expect(log.recoveries.map(\.rewoundTo?.step) == [0])
        #expect(outcome.membership.rewinds == 1 && outcome.membership.stepsRepeated == Int(step) + 1)
        #expect(source.abandoned == 1 && source.excluded.isEmpty)
    }

    @Test("No state is saved that depends on a data set that had changed")
    func states() throws {
        let fixture = try TrainingFixture()
        let (source, store, log) = (try ShardSource(fixture), MemoryStore(keepsAll: true), RecoveryLog())
        var isFaulty = true
        source.tamper = { step, _, gradient, _ in if step >= 2 && isFaulty { gradient.buffer[3] += 1 } }
        source.willVerify = { step in
            guard step >= 3, isFaulty else { return }
            isFaulty = false
            throw Self.fault(step)
        }
        expectSame(
            try fixture.train(source: source, checkpoints: store, observers: [log]), try fixture.train(), "states")
        #expect(log.recoveries.map(\.rewoundTo?.step) == [2])
        #expect(store.states.map(\.progress.step) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    }

    @Test("Many workers may leave within one step without ending the run, but not any number", arguments: [100, 101])
    func limit(count: Int) throws {
        let fixture = try TrainingFixture()
        let source = try ShardSource(fixture)
        var faults = count
        source.willStep = { step in
            guard step == 4, faults > 0 else { return }
            faults -= 1
            throw Self.fault(4)
        }
        guard count > 100 else {
            let outcome = try fixture.train(source: source)
            expectSame(outcome, try fixture.train(), "many")
            return #expect(outcome.membership.rewinds == 100)
        }
        #expect(throws: TrainingError.memoryFault(Self.fault(4))) { try fixture.train(source: source) }
    }
}

@Suite("Numbers that are not finite")
struct NonFiniteTests {
    @Test("The shard that is not finite is found by computing it again", arguments: [false, true])
    func shard(isDistributed: Bool) throws {
        let fixture = try TrainingFixture()
        let store = MemoryStore(keepsAll: true)
        _ = try fixture.train(checkpoints: store)
        let state = try #require(store.states.first { $0.progress.step == 3 })
        // Then no shard's loss is a number: the first shard of the first result is named.
        state.parameters.buffer[state.parameters.count - 1] = .nan
        let source = isDistributed ? try ShardSource(fixture) : nil
        let error = #expect(throws: TrainingError.self) {
            try fixture.train(from: state, source: source, checkpoints: store)
        }
        guard case .notFinite(let place) = error else { return }
        let shard = isDistributed ? 2 : 0
        #expect(place.quantity == .loss && place.shard == shard && place.step == 3 && place.epoch == 0)
        #expect(place.worker == (isDistributed ? "worker 7" : nil))
        #expect(
            place.description.hasPrefix("step 3 (epoch 0): the loss of shard \(shard) of 3")
                && place.description.hasSuffix("try a smaller learning rate"))
    }

    @Test("With clipping, too, weights that overflow are traced although the gradient is long gone", arguments: [0, 1])
    func clippedOverflow(shards: Int) throws {
        var fixture = try TrainingFixture()
        fixture.configuration.optimizer = .sgd(learningRate: 1e45)
        fixture.configuration.training.clipNorm = 0.5
        let source = try shards > 0 ? ShardSource(fixture) : nil
        let error = #expect(throws: TrainingError.self) { try fixture.train(source: source) }
        guard case .notFinite(let place) = error else { return }
        #expect(place.quantity == .weights && place.step == 0 && place.shard == nil)
    }

    @Test("A learning rate that is far too high is named as the cause before anything is saved as best")
    func learningRate() throws {
        var fixture = try TrainingFixture()
        fixture.configuration.optimizer = .sgd(learningRate: 1e45)
        let store = MemoryStore(keepsAll: true)
        let error = #expect(throws: TrainingError.self) { try fixture.train(checkpoints: store) }
        guard case .notFinite(let place) = error else { return }
        #expect(place.quantity == .weights && place.step == 0)
        #expect("\(place)".contains("although the gradient of each shard is; try a smaller learning rate"))
        #expect(store.states.isEmpty)
    }
}
