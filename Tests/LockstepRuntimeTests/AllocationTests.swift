import CAllocations
import LockstepCluster
import LockstepCompute
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import Testing

@testable import LockstepRuntime

/// From the third step on, a step without evaluation, log or checkpoint allocates nothing in Lockstep's own threads.
/// The first two steps allocate the buffers, because the weights alternate between two buffers.
@Suite(
    "Allocations in a step", .serialized,
    .enabled(if: allocations_of_thread() >= 0, "a sanitizer has its own malloc, which counts nothing"))
struct AllocationTests {
    /// Steps of an epoch: 40 mini-batches.
    private static let steps = 40
    /// The steps of the second epoch that must not allocate. The first ones follow the permutation of the samples, and
    /// the end of the run follows the last ones, so these are excluded.
    private static let free = steps + 2..<2 * steps - 2

    @Test("Checking the scheduling policy allocates nothing")
    func schedulingPolicy() throws {
        let meter = CoreWaitMeter()
        var (now, checks) = (Instant(nanoseconds: 0), 0)
        var policy = try #require(
            SchedulingPolicy(
                now: now,
                waits: {
                    _ = meter.waits
                    checks += 1
                    return CoreWaits(nanoseconds: 0, count: UInt64(checks))
                }, apply: { _ in }))
        let before = allocations_of_thread()
        for _ in 0..<100 {
            now = Instant(nanoseconds: now.nanoseconds + SchedulingPolicy.period)
            policy.check(now: now)
        }
        #expect(allocations_of_thread() == before)
        #expect(checks == 101)
    }

    @Test("oneDNN allocates at most one buffer in a product")
    func products() throws {
        let products = try ComputeLibrary.open(.portable).products(forLayersOf: [300])
        let (a, w) = ([Float](repeating: 0.5, count: 100 * 784), [Float](repeating: 0.25, count: 300 * 784))
        var c = [Float](repeating: 0, count: 100 * 300)
        products.forward(rows: 100, outputs: 300, inputs: 784, a: a, w: w, into: &c)
        let (own, library) = (allocations_of_thread(), one_dnn_allocations_of_thread())
        for _ in 0..<10 { products.forward(rows: 100, outputs: 300, inputs: 784, a: a, w: w, into: &c) }
        #expect(allocations_of_thread() == own)
        #expect(one_dnn_allocations_of_thread() - library <= 10)
        #expect(c.allSatisfy { $0 == 98 })
    }

    /// A run without evaluations: these ask too whether the run should stop, which is how the tests count steps.
    private static func prepare(_ dataType: CommunicationDataType, clipNorm: Double? = nil) throws -> TrainingRun {
        try ThreadCluster.prepare(
            shards: 4, batch: 12, epochs: 2, samples: 12 * steps, dataType: dataType, clipNorm: clipNorm,
            evaluatesEvery: 0)
    }

    /// Allocates once.
    @inline(never)
    private static func allocateOnce() {
        withExtendedLifetime(UnsafeMutablePointer<Int>.allocate(capacity: 100)) { $0.deallocate() }
    }

    @Test("A single process", arguments: [CommunicationDataType.float32, .bfloat16], [nil, 0.01])
    func singleProcess(dataType: CommunicationDataType, clipNorm: Double?) throws {
        let ledger = AllocationLedger(capacity: 2 * Self.steps + 1)
        let step = StepCounter()
        _ = try Self.prepare(dataType, clipNorm: clipNorm).train(observers: []) {
            ledger.record(step: step.value)
            step.next()
            return false
        }
        #expect(step.value == 2 * Self.steps)
        #expect(ledger.offenders(Self.free).isEmpty, "\(ledger.offenders(Self.free).joined(separator: "\n"))")
    }

    @Test("A single allocation is found")
    func isFound() throws {
        let ledger = AllocationLedger(capacity: 2 * Self.steps + 1)
        let step = StepCounter()
        _ = try Self.prepare(.float32).train(observers: []) {
            ledger.record(step: step.value)
            step.next()
            if step.value == Self.free.lowerBound + 1 { Self.allocateOnce() }
            return false
        }
        #expect(ledger.offenders(Self.free).count == 1)
        #expect(ledger.count(inStep: Self.free.lowerBound + 1) == 1)
    }

    @Test(
        "A coordinator and its workers, with shared memory and without, and with clipping by the norm",
        arguments: [Transport.shared, .inline],
        [(CommunicationDataType.float32, nil), (.bfloat16, nil), (.float32, 0.01)] as [(CommunicationDataType, Double?)]
    )
    func cluster(transport: Transport, arithmetic: (dataType: CommunicationDataType, clipNorm: Double?)) throws {
        let own = AllocationLedger(capacity: 2 * Self.steps + 1)
        let workers = [transport, transport].map { _ in AllocationLedger(capacity: 2 * Self.steps + 1) }
        let step = StepCounter()
        var cluster = ThreadCluster(workers: [transport, transport])
        cluster.probe = { index in
            workers[index].record(step: step.value)
            return false
        }
        cluster.betweenSteps = {
            own.record(step: step.value)
            step.next()
        }
        _ = try cluster.train(try Self.prepare(arithmetic.dataType, clipNorm: arithmetic.clipNorm))
        #expect(step.value == 2 * Self.steps)
        for ledger in [own] + workers {
            let offenders = ledger.offenders(Self.free)
            #expect(offenders.isEmpty, "\(offenders.joined(separator: "\n"))")
        }
    }

    @Test("A coordinator that computes alone")
    func alone() throws {
        let own = AllocationLedger(capacity: 2 * Self.steps + 1)
        let step = StepCounter()
        var cluster = ThreadCluster(workers: [.shared, .shared])
        cluster.predictions = [1e-3, 1, 1]
        cluster.betweenSteps = {
            own.record(step: step.value)
            step.next()
        }
        let run = try Self.prepare(.float32)
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == (try run.train(observers: []) { false }.weightsSHA256))
        #expect(result.outcome.epochs.map(\.workers) == [0, 0])
        #expect(own.offenders(Self.free).isEmpty, "\(own.offenders(Self.free).joined(separator: "\n"))")
    }
}
