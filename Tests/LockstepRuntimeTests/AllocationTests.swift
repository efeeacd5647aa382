import CAllocations
import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import Testing

@testable import LockstepRuntime

/// From the third step on, a step without evaluation, log or checkpoint allocates nothing in Lockstep's own threads.
/// The first two steps allocate the buffers, because the weights alternate between two buffers.
///
/// oneDNN allocates during a convolution and frees that memory before it returns. Its numbers are fixed here, too: they
/// are the same in a debug build, in which the language itself allocates in many steps.
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

    /// oneDNN's allocations in a call of `dnnl_primitive_execute`, which is a pass of a convolution.
    ///
    /// The function copies its arguments into a hash table: a node for each argument, and the table's buckets. One more
    /// object hands out the scratch memory. The tensors, and the scratch memory where a pass needs any, are the arguments;
    /// no pass of these tests needs any, and with AVX-512 some do.
    private enum LibraryAllocations {
        /// Source, weights, biases, destination.
        static let forward = 4 + 2
        /// Source, errors of the destination, gradients of weights and biases.
        static let backwardWeights = 4 + 2
        /// Errors of the destination, weights, errors of the source.
        static let backwardData = 3 + 2
    }

    /// Convolutions of plain images and of blocks of channels, with one place of the filter and with strides and padding.
    private static let convolutions = [
        ConvolutionCalls.Shape(channels: 1, kernel: 3, isBlocked: false),
        ConvolutionCalls.Shape(channels: 3, kernel: 3, padding: 1, isBlocked: false),
        ConvolutionCalls.Shape(channels: 1, kernel: 2, stride: 2, isBlocked: false),
        ConvolutionCalls.Shape(channels: 8, kernel: 5, isBlocked: true),
        ConvolutionCalls.Shape(channels: 8, kernel: 1, stride: 2, isBlocked: true),
        ConvolutionCalls.Shape(channels: 16, kernel: 3, stride: 2, padding: 1, isBlocked: true),
    ]

    @Test(
        "oneDNN allocates a fixed number of times in each pass of a convolution, and frees all of it",
        arguments: convolutions, [3, 8])
    func libraryInConvolutions(shape: ConvolutionCalls.Shape, rows: Int) throws {
        let calls = try ConvolutionCalls(shape, rows: rows, library: try ComputeLibrary.open(.portable))
        for (pass, expected) in [
            (ConvolutionCalls.Pass.forward, LibraryAllocations.forward),
            (.backwardWeights, LibraryAllocations.backwardWeights), (.backwardData, LibraryAllocations.backwardData),
        ] {
            calls.run(pass)
            let (made, freed) = (one_dnn_allocations_of_thread(), one_dnn_frees_of_thread())
            for _ in 0..<10 { calls.run(pass) }
            #expect(one_dnn_allocations_of_thread() - made == 10 * expected, "\(pass)")
            #expect(one_dnn_frees_of_thread() - freed == 10 * expected, "\(pass)")
        }
    }

    @Test("A convolution allocates nothing besides what oneDNN does", arguments: convolutions)
    func ownInConvolutions(shape: ConvolutionCalls.Shape) throws {
        let calls = try ConvolutionCalls(shape, rows: 3, library: try ComputeLibrary.open(.portable))
        for pass in [ConvolutionCalls.Pass.forward, .backwardWeights, .backwardData] {
            calls.run(pass)
            let before = allocations_of_thread()
            for _ in 0..<10 { calls.run(pass) }
            #expect(allocations_of_thread() == before, "\(pass)")
        }
    }

    /// Convolutions of plain images and of blocks of channels, and layers of all other kinds.
    private static let layers: [any LayerKind] = [
        ConvolutionLayer(filters: 4, size: Extent(3), padding: .same), ActivationLayer(.relu),
        GroupNormLayer(groups: 2),
        AveragePoolLayer(size: Extent(3), stride: Extent(1), padding: .same),
        ConvolutionLayer(filters: 9, size: Extent(2)), ActivationLayer(.tanh), LayerNormLayer(),
        DropoutLayer(rate: 0.2),
        MaxPoolLayer(size: Extent(2)), FlattenLayer(), DenseLayer(neurons: 4),
    ]

    /// A run without evaluations: these ask too whether the run should stop, which is how the tests count steps.
    private static func prepare(
        _ dataType: CommunicationDataType, clipNorm: Double? = nil, layers: [any LayerKind] = []
    ) throws -> TrainingRun {
        try ThreadCluster.prepare(
            shards: 4, batch: 12, epochs: 2, samples: 12 * steps, layers: layers, dataType: dataType,
            clipNorm: clipNorm,
            augmentation: layers.isEmpty ? AugmentationOptions() : AugmentationOptions(shift: 1, rotation: 10),
            evaluatesEvery: 0)
    }

    /// A ledger for all steps of a run.
    private static func makeLedger() -> AllocationLedger { AllocationLedger(capacity: 2 * steps + 1) }

    /// Trains the convolutional network in this thread, and records each step.
    private static func trainConvolutions() throws -> AllocationLedger {
        let (ledger, step) = (makeLedger(), StepCounter())
        _ = try prepare(.float32, layers: layers).train(observers: []) {
            ledger.record(step: step.value)
            step.next()
            return false
        }
        #expect(step.value == 2 * steps)
        return ledger
    }

    /// Trains the convolutional network with two workers, and records each step of the coordinator and of the workers.
    private static func trainConvolutions(_ transport: Transport) throws -> [AllocationLedger] {
        let (own, step) = (makeLedger(), StepCounter())
        let workers = [makeLedger(), makeLedger()]
        var cluster = ThreadCluster(workers: [transport, transport])
        cluster.probe = { index in
            workers[index].record(step: step.value)
            return false
        }
        cluster.betweenSteps = {
            own.record(step: step.value)
            step.next()
        }
        _ = try cluster.train(try prepare(.float32, layers: layers))
        #expect(step.value == 2 * steps)
        return [own] + workers
    }

    @Test("A convolutional network in a single process")
    func convolutionalNetwork() throws {
        let offenders = try Self.trainConvolutions().offenders(Self.free)
        #expect(offenders.isEmpty, "\(offenders.joined(separator: "\n"))")
    }

    @Test("A convolutional network on a coordinator and its workers", arguments: [Transport.shared, .inline])
    func convolutionalCluster(transport: Transport) throws {
        for ledger in try Self.trainConvolutions(transport) {
            let offenders = ledger.offenders(Self.free)
            #expect(offenders.isEmpty, "\(offenders.joined(separator: "\n"))")
        }
    }

    @Test("In each step oneDNN allocates as often as its calls do, and keeps nothing")
    func libraryInSteps() throws {
        // Two convolutions, of which the first one needs no errors of its input, in four shards.
        let expected =
            4
            * (2 * LibraryAllocations.forward + 2 * LibraryAllocations.backwardWeights
                + LibraryAllocations.backwardData)
        let ledger = try Self.trainConvolutions()
        for step in Self.free {
            #expect(ledger.libraryCount(inStep: step).made == expected, "step \(step)")
            #expect(ledger.libraryCount(inStep: step).kept == 0, "step \(step)")
        }
    }

    @Test("In a cluster the workers' calls of oneDNN keep nothing, and the coordinator makes none")
    func libraryInCluster() throws {
        let ledgers = try Self.trainConvolutions(.shared)
        for step in Self.free {
            #expect(ledgers[0].libraryCount(inStep: step).made == 0, "step \(step)")
            for ledger in ledgers.dropFirst() {
                #expect(ledger.libraryCount(inStep: step).kept == 0, "step \(step)")
            }
        }
        for ledger in ledgers.dropFirst() {
            #expect(Self.free.contains { ledger.libraryCount(inStep: $0).made > 0 })
        }
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

    @Test("A coordinator that computes beside a worker")
    func besideWorker() throws {
        let own = AllocationLedger(capacity: 2 * Self.steps + 1)
        let step = StepCounter()
        var cluster = ThreadCluster(workers: [.shared, .shared])
        cluster.predictions = [1, 1, 1]
        cluster.predictionsWithCoordinator = [1e-3, 1]
        cluster.betweenSteps = {
            own.record(step: step.value)
            step.next()
        }
        let run = try Self.prepare(.float32)
        let result = try cluster.train(run)
        #expect(result.outcome.weightsSHA256 == (try run.train(observers: []) { false }.weightsSHA256))
        #expect(result.outcome.epochs.map(\.workers) == [2, 2])
        #expect(own.offenders(Self.free).isEmpty, "\(own.offenders(Self.free).joined(separator: "\n"))")
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

/// A convolution of 5 x 5 images by six filters, with memory of its own.
final class ConvolutionCalls {
    /// A square convolution.
    struct Shape: Sendable {
        var channels: Int
        var kernel: Int
        var stride = 1
        var padding = 0
        /// Whether the images lie in blocks of channels.
        var isBlocked: Bool

        fileprivate var geometry: Convolution.Geometry {
            Convolution.Geometry(
                inputChannels: channels, inputRows: 5, inputColumns: 5, filters: 6, kernelRows: kernel,
                kernelColumns: kernel, strideRows: stride, strideColumns: stride, paddingTop: padding,
                paddingLeft: padding, paddingBottom: padding, paddingRight: padding)
        }
    }

    enum Pass {
        case forward, backwardWeights, backwardData
    }

    private let convolution: Convolution
    private let rows: Int
    /// Images and their errors, [rows, 16, 25] each, of which a part is used.
    private let images: [UnsafeMutablePointer<Float>]
    /// Weights, biases and their gradients, [6, 16, 25] each, of which a part is used.
    private let parameters: [UnsafeMutablePointer<Float>]

    init(_ shape: Shape, rows: Int, library: ComputeLibrary) throws {
        func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * count, alignment: 64)
            let floats = memory.bindMemory(to: Float.self, capacity: count)
            floats.initialize(repeating: 0.5, count: count)
            return floats
        }
        self.rows = rows
        images = (0..<4).map { _ in floats(rows * 16 * 25) }
        parameters = (0..<4).map { _ in floats(6 * 16 * 25) }
        convolution = try Convolution(
            shape.geometry,
            buffers: Convolution.Buffers(
                source: images[0], destination: images[1], outputErrors: images[2], inputErrors: images[3]),
            sourceLanes: shape.isBlocked ? library.channelLanes : 1, library: library)
        try convolution.prepare(rows: rows)
        convolution.loadWeights(parameters[0])
    }

    deinit {
        for buffer in images + parameters { buffer.deallocate() }
    }

    func run(_ pass: Pass) {
        switch pass {
        case .forward:
            convolution.forward(rows: rows, biases: parameters[1])
        case .backwardWeights:
            convolution.backward(
                rows: rows, accumulating: false, weightGradient: parameters[2], biasGradient: parameters[3])
        case .backwardData:
            convolution.inputErrors(rows: rows)
        }
    }
}
