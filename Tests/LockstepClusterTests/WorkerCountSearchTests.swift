import LockstepTimeline
import Testing

@testable import LockstepCluster

/// How many workers compute, on machines whose times are made up.
@Suite("The search for the fastest number of workers")
struct WorkerCountSearchTests {
    /// Steps until a time has passed, each taking what `seconds` says for its number of workers and up to the part `noise`
    /// longer, in a pattern without end. Gives what was told, and for how long each number was used.
    @discardableResult
    private func run(
        _ search: inout WorkerCountSearch, for duration: Double, noise: Double = 0, available: Int,
        _ seconds: (Int) -> Double
    ) -> (choices: [WorkerCountChoice], used: [Int: Double]) {
        var choices: [WorkerCountChoice] = []
        var used: [Int: Double] = [:]
        var (time, pattern) = (0.0, UInt64(88_172_645_463_325_252))
        while time < duration {
            let workers = search.processes.workers
            #expect(workers <= available)
            pattern ^= pattern << 13
            pattern ^= pattern >> 7
            pattern ^= pattern << 17
            let step = seconds(workers) * (1 + noise * Double(pattern % 1_000) / 1_000)
            used[workers, default: 0] += step
            time += step
            if let choice = search.add(step, available: available) { choices.append(choice) }
        }
        return (choices, used)
    }

    @Test("Where messages cost more than computing, the coordinator computes alone from the first step on")
    func smallSteps() {
        let times = [20e-6, 130e-6, 110e-6]
        var search = WorkerCountSearch(predictions: times)
        let (choices, used) = run(&search, for: 10, noise: 0.3, available: 2) { times[$0] }
        #expect(choices.map(\.processes.workers) == [0])
        #expect(used.count == 1, "nothing else is worth a trial: \(used)")
        #expect(choices.first?.alternative?.processes.workers == 2 && choices.first?.alternative?.isMeasured == false)
    }

    @Test("Where computing costs more than messages, all compute")
    func largeSteps() {
        let times = [0.205, 0.208, 0.107]
        var search = WorkerCountSearch(predictions: times)
        let (choices, used) = run(&search, for: 100, noise: 0.05, available: 2) { times[$0] }
        #expect(choices.map(\.processes.workers) == [2])
        #expect(used == [2: used[2] ?? 0], "two are predicted to be so much faster that one is not tried")
    }

    @Test("A wrong prediction is found out, for little time", arguments: [0, 1, 2, 3, 4])
    func wrongPredictions(fastest: Int) {
        let predictions = [1.0e-3, 1.05e-3, 1.1e-3, 1.15e-3, 1.2e-3]
        func time(_ workers: Int) -> Double { workers == fastest ? 0.7e-3 : 1e-3 + 1e-5 * Double(workers) }
        var search = WorkerCountSearch(predictions: predictions)
        let (choices, used) = run(&search, for: 60, noise: 0.1, available: 4, time)
        #expect(choices.map(\.processes.workers) == [fastest])
        let rest = used.filter { $0.key != fastest }.values.reduce(0, +)
        #expect(rest < 0.03 * 60, "trials took \(rest) s of 60")
    }

    @Test("A machine that becomes busy, and idle again, is followed")
    func changingLoad() {
        // Alone 2, with two workers 1.1; while others use the second core, workers wait for each other.
        let idle = [2.0e-3, 2.2e-3, 1.1e-3]
        let busy = [2.0e-3, 2.4e-3, 2.6e-3]
        var search = WorkerCountSearch(predictions: idle)
        #expect(run(&search, for: 3, noise: 0.05, available: 2) { idle[$0] }.choices.map(\.processes.workers) == [2])
        let second = run(&search, for: 5, noise: 0.05, available: 2) { busy[$0] }
        #expect(second.choices.map(\.processes.workers) == [0] && second.choices.first?.isChange == true)
        let third = run(&search, for: 200, noise: 0.05, available: 2) { idle[$0] }
        #expect(third.choices.map(\.processes.workers) == [2])
    }

    @Test("Numbers that are about as good as each other are not changed for one another")
    func hysteresis() {
        let times = [1.0e-3, 1.2e-3, 1.0e-3]
        var search = WorkerCountSearch(predictions: times)
        let (choices, used) = run(&search, for: 300, noise: 0.2, available: 2) { times[$0] }
        #expect(choices.count == 1)
        #expect((used.values.max() ?? 0) > 0.97 * 300, "\(used)")
    }

    @Test("What is not there is not tried, and many workers are tried in large steps")
    func manyWorkers() {
        var small = WorkerCountSearch(predictions: [3e-3, 2e-3, 1e-3, 1e-3])
        // Three are predicted but two are there: the tie is the smaller one's, and the third is not tried.
        let tried = run(&small, for: 10, available: 2) { [3e-3, 2e-3, 1e-3, 0][$0] }
        #expect(tried.choices.map(\.processes.workers) == [2])
        func time(_ workers: Int) -> Double { workers == 0 ? 1 : 1 / Double(workers) + 0.002 * Double(workers) }
        var large = WorkerCountSearch(predictions: (0...256).map { $0 == 0 ? 1 : 1 / Double($0) })
        let (choices, used) = run(&large, for: 600, available: 256, time)
        // 1 / n + 0.002 n is least at 22 and within a twentieth of that from 17 to 29.
        #expect((17...29).contains(choices.last?.processes.workers ?? 0), "\(choices)")
        #expect(used.count < 20, "\(used.keys.sorted())")
    }

    @Test("The coordinator beside one worker is found, although two workers were predicted to be faster")
    func coordinatorBesideWorkers() {
        let predictions = (workers: [60e-6, 90e-6, 45e-6], withCoordinator: [50e-6, 80e-6])
        let measured = (workers: [60e-6, 90e-6, 60e-6], withCoordinator: [40e-6, 90e-6])
        var search = WorkerCountSearch(
            predictions: predictions.workers, withCoordinator: predictions.withCoordinator)
        var choices: [WorkerCountChoice] = []
        var time = 0.0
        while time < 30 {
            let processes = search.processes
            let step =
                processes.isCoordinatorAlone || !processes.includesCoordinator
                ? measured.workers[processes.workers] : measured.withCoordinator[processes.workers - 1]
            time += step
            if let choice = search.add(step, available: 2) { choices.append(choice) }
        }
        #expect(choices.map(\.processes) == [ComputingProcesses(workers: 1, includesCoordinator: true)])
        #expect(choices.first?.processes.count == 2)
        let alternative = choices.first?.alternative
        #expect(alternative?.processes == ComputingProcesses(workers: 2, includesCoordinator: false))
        #expect(alternative?.isMeasured == true)
    }

    @Test("Evaluations go to the workers unless one process is faster")
    func evaluations() {
        var choice = EvaluationTuner()
        func evaluate(usual: Double?, workers: Double, alone: Double) -> Bool {
            let isAlone = choice.begin(blocks: 10, workerMedian: usual, at: Instant(nanoseconds: 0))
            choice.end(at: Instant(nanoseconds: UInt64((isAlone ? alone : workers) * 1e9)))
            return isAlone
        }
        #expect(!evaluate(usual: nil, workers: 0.10, alone: 0.2))
        #expect(!evaluate(usual: 0.02, workers: 0.10, alone: 0.2), "ten blocks in one worker take 0.2 s")
        #expect(evaluate(usual: 0.009, workers: 0.10, alone: 0.2), "ten blocks in one worker take 0.09 s")
        #expect(!evaluate(usual: 0.009, workers: 0.10, alone: 0.2), "but not in the coordinator")
    }
}
