import LockstepCluster
import LockstepSharding

/// The configuration and the faults of a simulated run; all of it follows from the seed.
package struct SimulationPlan: Sendable {
    /// A kind of fault.
    package enum Fault: Int, CaseIterable, Hashable, Sendable {
        /// A worker process is killed.
        case crash
        /// A worker process is stopped for a while, its I/O thread included.
        case stop
        /// A worker computes for ever, while its I/O thread answers heartbeats.
        case hang
        /// A worker becomes many times slower.
        case slow
        /// A connection breaks; each side detects it after its own delay.
        case drop
        /// No message arrives for a while, in one direction or both.
        case partition
        /// A message arrives twice.
        case duplicate
        /// Another worker joins.
        case join
        /// A worker is asked to stop and says goodbye.
        case goodbye
        /// The coordinator handles no events for a while.
        case pause
        /// A message that a worker sent in an earlier membership arrives again, over its present connection.
        case replay
    }

    package let seed: UInt64
    package let workers: Int
    package let maximumWorkers: Int
    package let shards: Int
    /// Samples of a full mini-batch and of the last one.
    package let batch: Int
    package let lastBatch: Int
    package let steps: Int
    /// Steps between evaluations; 0: never.
    package let evaluateEvery: Int
    package let blocks: Int
    package let chunks: Int
    /// Whether workers read the coordinator's own weights, as in shared memory, instead of copies.
    package let sharesMemory: Bool
    /// The quarters of all steps that are audited.
    package let auditQuarters: Int
    /// Whether one worker gives wrong answers.
    package let hasFaultyWorker: Bool
    package let maximumRestarts: Int
    /// Whether the number of workers that compute is tuned during the run.
    package let tunesWorkerCount: Bool
    /// Whether the coordinator computes the sum over all shards.
    package let splitsRoot: Bool
    /// Whether some workers stand for several processes each.
    package let aggregates: Bool
    /// Whether workers must fetch the data set.
    package let fetchesData: Bool
    package let nanosecondsPerSample: UInt64
    package let maximumDelay: UInt64
    package let faults: [Fault]
    package let faultCount: Int

    package init(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        self.seed = seed
        workers = random.number(1...5)
        let places = workers + random.number(0...2)
        shards = random.number(1...9)
        batch = random.number(1...16)
        lastBatch = random.number(1...batch)
        // A few runs are long enough for a worker to be slow often.
        let isLong = random.chance(1, in: 50)
        steps = isLong ? random.number(200...500) : random.number(3...14)
        evaluateEvery = random.number(0...4)
        blocks = random.number(0...7)
        chunks = random.number(1...3)
        sharesMemory = random.chance(1, in: 2)
        auditQuarters = random.chance(1, in: 3) ? random.number(1...4) : 0
        hasFaultyWorker = auditQuarters == 4 && random.chance(2, in: 3)
        maximumRestarts = random.chance(1, in: 3) ? 0 : random.number(1...10)
        fetchesData = random.chance(1, in: 8)
        // From steps of a fraction of a millisecond to steps of minutes.
        let scales: [UInt64] = [20_000, 200_000, 2_000_000, 20_000_000, 1_000_000_000, 8_000_000_000]
        nanosecondsPerSample = isLong ? 2_000_000 : scales[random.number(0...scales.count - 1)]
        maximumDelay = random.chance(1, in: 3) ? 40_000_000 : 400_000
        let isCalm = random.chance(1, in: 10)
        faults = isLong ? [.slow, .slow, .stop] : isCalm ? [] : Fault.allCases.filter { _ in random.chance(1, in: 2) }
        faultCount = faults.isEmpty ? 0 : random.number(1...10)
        tunesWorkerCount = random.chance(1, in: 3)
        splitsRoot = random.chance(1, in: 4)
        aggregates = !tunesWorkerCount && random.chance(1, in: 4)
        maximumWorkers = aggregates ? Self.capacities.reduce(places, +) : places
    }

    /// The further processes of the first workers, where workers aggregate.
    private static let capacities = [2, 0, 4]

    /// The number of processes that a worker stands for.
    func capacity(ofProcess index: Int) -> Int {
        aggregates ? 1 + Self.capacities[index % Self.capacities.count] : 1
    }

    /// Whether no worker may be lost: there is no fault, and the first answer takes less than its deadline.
    package var isPeaceful: Bool {
        faults.isEmpty && !hasFaultyWorker
            && Double(UInt64(batch) * nanosecondsPerSample) * 1.5e-9 < Deadlines().firstAnswer
    }

    /// A chunk as it travels: in most runs as one frame, in others as several.
    func parts(of chunk: Int) -> [ChunkPart] {
        let frames = seed % 5 == 4 ? 3 : seed % 5 == 0 ? 2 : 1
        return (0..<frames).map { ChunkPart(chunk: chunk, elements: $0..<$0 + 1, of: frames) }
    }

    /// The rough duration of the run without faults.
    var expectedNanoseconds: UInt64 {
        let step = UInt64(batch) * nanosecondsPerSample / UInt64(workers) + 4 * maximumDelay + 1_000_000
        return UInt64(steps) * step
    }
}

/// A small generator with a seed: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
struct SimulationRandom {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return mix(state)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func number(below bound: UInt64) -> UInt64 {
        next() % max(1, bound)
    }

    mutating func chance(_ count: Int, in total: Int) -> Bool {
        number(1...total) <= count
    }
}

/// A bijection of 64-bit numbers that leaves no pattern.
func mix(_ number: UInt64) -> UInt64 {
    var z = number
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
}
