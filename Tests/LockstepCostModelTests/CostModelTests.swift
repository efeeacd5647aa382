import LockstepCostModel
import Testing

@Suite struct CostModelTests {
    /// A machine of round numbers: 10 us a call and 1 us a sample, on two cores that slow each other down by a fifth.
    private static func model(messages: CostModel.Line = .init(fixed: 100e-6, each: 20e-6)) -> CostModel {
        CostModel(
            compute: .init(fixed: 10e-6, each: 1e-6), addition: 4e-6, update: 6e-6, messages: messages,
            parameterBytes: 95_440, lastSegmentShare: 0.99, cores: 2, contention: 1.2)
    }

    private func isClose(_ a: Double, _ b: Double, within part: Double = 1e-9) -> Bool {
        abs(a - b) <= part * max(abs(a), abs(b))
    }

    @Test("a single process computes every shard, adds them up and updates")
    func single() {
        let one = Self.model().single(batch: 100, shards: 1)
        #expect(isClose(one.compute, 110e-6) && one.communication == 0 && isClose(one.reduce, 6e-6))
        let four = Self.model().single(batch: 100, shards: 4)
        #expect(isClose(four.compute, 4 * 10e-6 + 100e-6 + 3 * 4e-6) && isClose(four.total, four.compute + 6e-6))
    }

    @Test("two workers wait for the slower one, for the messages and for one addition")
    func two() {
        let step = Self.model().distributed(batch: 101, shards: 2, workers: 2)
        #expect(isClose(step.compute, (10e-6 + 51e-6) * 1.2))
        #expect(isClose(step.communication, 140e-6))
        #expect(isClose(step.reduce, 10e-6))
    }

    @Test("each gradient of this host is fetched from another core; over a link none is")
    func fetch() {
        var model = Self.model()
        model.fetch = 3e-6
        #expect(isClose(model.distributed(batch: 100, shards: 2, workers: 2).reduce, 10e-6 + 2 * 3e-6))
        // Three workers, four shards: one of them has a node of two.
        #expect(isClose(model.distributed(batch: 100, shards: 4, workers: 3).reduce, 14e-6 + 3 * 3e-6))
        #expect(isClose(model.single(batch: 100, shards: 4).reduce, 6e-6))
        let link = CostModel.Link(bytesPerSecond: 125e6, latency: 0)
        #expect(isClose(model.distributed(batch: 100, shards: 2, workers: 2, link: link).reduce, 10e-6))
    }

    @Test("workers share the cores when they outnumber them")
    func contention() {
        let step = Self.model().distributed(batch: 400, shards: 4, workers: 4)
        #expect(isClose(step.compute, (10e-6 + 100e-6) * 2 * 1.2))
    }

    @Test("a worker without a tree node adds no contention")
    func spares() {
        let step = Self.model().distributed(batch: 100, shards: 1, workers: 3)
        #expect(isClose(step.compute, 110e-6) && isClose(step.communication, 160e-6))
    }

    @Test("bytes through sockets count once for each worker's weights and each node's gradient")
    func inlineBytes() {
        var model = Self.model()
        model.byte = 1e-9
        let step = model.distributed(batch: 100, shards: 4, workers: 3)
        // Three workers, four shards: one of them has a node of two.
        #expect(isClose(step.communication, 160e-6 + 1e-9 * 95_440 * 6))
    }

    @Test("over a link the transfer of the first layer's gradients overlaps with nothing")
    func link() {
        let link = CostModel.Link(bytesPerSecond: 125e6, latency: 0.2e-3)
        let step = Self.model().distributed(batch: 100, shards: 2, workers: 2, link: link)
        let way = 95_440 / 125e6
        #expect(isClose(step.compute, 60e-6))
        #expect(
            step.communication > 140e-6 + 0.4e-3 + 2 * way - 30e-6 && step.communication < 140e-6 + 0.4e-3 + 4 * way)
    }

    @Test("the crossover is the first mini-batch at which workers are faster", arguments: [2, 3, 4])
    func crossover(workers: Int) throws {
        let model = Self.model()
        func isFaster(_ batch: Int) -> Bool {
            model.distributed(batch: batch, shards: workers, workers: workers).total
                < model.single(batch: batch, shards: 1).total
        }
        let found = try #require(model.crossover(workers: workers, limit: 50_000))
        #expect(isFaster(found) && !isFaster(found - 1))
    }

    @Test("where workers are never faster there is no crossover")
    func noCrossover() {
        #expect(Self.model(messages: .init(fixed: 1, each: 0)).crossover(workers: 2, limit: 50_000) == nil)
    }

    @Test("a line is found through exact points, and through one")
    func line() {
        let exact = CostModel.line(through: [1, 10, 100].map { (count: $0, seconds: 5e-6 + 2e-6 * $0) })
        #expect(isClose(exact.fixed, 5e-6, within: 1e-6) && isClose(exact.each, 2e-6, within: 1e-6))
        #expect(CostModel.line(through: [(count: 4, seconds: 8)]) == .init(fixed: 0, each: 2))
    }

    @Test("no line has a negative part")
    func negativeLines() {
        let falling = CostModel.line(through: [(count: 1, seconds: 3), (count: 2, seconds: 1)])
        #expect(falling.each == 0 && falling.fixed > 0)
        let belowZero = CostModel.line(through: [(count: 1, seconds: 1), (count: 2, seconds: 4)])
        #expect(belowZero.fixed == 0 && belowZero.each > 0)
    }

    @Test("measured steps tell what messages and contention cost")
    func fit() {
        let truth = Self.model()
        let observations = [(10, 1), (10, 2), (10, 4), (1_000, 1), (1_000, 2), (1_000, 4)].map { batch, workers in
            let step = truth.distributed(batch: batch, shards: workers, workers: workers)
            return CostModel.Observation(
                batch: batch, shards: workers, workers: workers, seconds: step.total, compute: step.compute)
        }
        var model = truth
        model.contention = 7
        model.messages = .init(fixed: 1, each: 1)
        model.fit(observations)
        #expect(isClose(model.contention, 1.2, within: 1e-6))
        #expect(isClose(model.messages.fixed, 100e-6, within: 1e-6))
        #expect(isClose(model.messages.each, 20e-6, within: 1e-6))
        for observation in observations { #expect(abs(model.error(of: observation)) < 1e-6) }
    }

    @Test("with one number of workers measured, all of the cost of messages is fixed")
    func oneCount() {
        let truth = Self.model()
        let step = truth.distributed(batch: 10, shards: 2, workers: 2)
        var model = Self.model(messages: .init(fixed: 0, each: 0))
        model.fit([.init(batch: 10, shards: 2, workers: 2, seconds: step.total, compute: step.compute)])
        #expect(isClose(model.messages.fixed, 140e-6, within: 1e-6) && model.messages.each == 0)
    }

    @Test("a single process tells how fast the machine is")
    func machineSpeed() {
        let truth = Self.model()
        var model = truth
        model.fit([
            .init(
                batch: 10, shards: 1, workers: 0, seconds: 2 * truth.single(batch: 10, shards: 1).total,
                compute: 2 * truth.single(batch: 10, shards: 1).compute)
        ])
        #expect(isClose(model.compute.each, 2e-6) && isClose(model.compute.fixed, 20e-6))
        #expect(isClose(model.addition, 8e-6) && isClose(model.update, 12e-6))
        #expect(model.messages == truth.messages && model.contention == truth.contention)
    }
}
