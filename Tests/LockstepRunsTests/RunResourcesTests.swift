import LockstepData
import LockstepNetwork
import LockstepRuns
import LockstepTraining
import Testing

@Suite("What a run takes from its host")
struct RunResourcesTests {
    private func configuration(_ sizes: [Int], batch: Int = 100, shards: Int = 4) -> RunConfiguration {
        RunConfiguration(
            name: "r", data: .named("mnist"), network: Architecture(sizes: sizes),
            training: TrainingOptions(epochs: 1, batch: batch), optimizer: .sgd(learningRate: 1), shards: shards)
    }

    private func resources(_ sizes: [Int], _ placement: RunResources.Placement) throws -> RunResources {
        let dataset = DatasetDescription(
            name: "mnist", inputSize: sizes[0], classCount: 10, element: .uint8, trainingCount: 50_000,
            validationCount: 0, testCount: 0, sha256: "")
        return try RunResources(configuration(sizes), dataset, placement)
    }

    private let plenty = RunResources.Limits(openFiles: nil, addressSpace: nil, memory: nil)

    @Test("Each worker of this host needs more files than one of another host, and one process the fewest")
    func files() throws {
        let alone = try resources([784, 30, 10], .oneProcess).openFiles
        let remote = try resources([784, 30, 10], .remoteWorkers(100)).openFiles
        let local = try resources([784, 30, 10], .localWorkers(100)).openFiles
        #expect(alone == 16 && remote == 440 + 128 && local == 640 + 128)
    }

    @Test("The first limit that a run does not fit is named in one line with the remedy")
    func shortage() throws {
        let run = try resources([784, 30, 10], .localWorkers(100))
        try run.check(plenty)
        var limits = plenty
        limits.memory = 1 << 20
        #expect(throws: RunResources.Shortage.self) { try run.check(limits) }
        limits.addressSpace = 200_000 << 10
        let space = #expect(throws: RunResources.Shortage.self) { try run.check(limits) }
        #expect(space?.description.hasSuffix("and the limit is 196: raise it (ulimit -v)") == true)
        limits.openFiles = 767
        let files = #expect(throws: RunResources.Shortage.self) { try run.check(limits) }
        #expect(
            files?.description
                == "about 768 open files are needed at once, and the limit is 767: raise it (ulimit -n), or start fewer "
                + "workers")
    }

    @Test("What several runs of one process take adds up, except for the program")
    func together() throws {
        let sizes = [784, 30, 10]
        let (alone, local) = (try resources(sizes, .oneProcess), try resources(sizes, .localWorkers(2)))
        let both = RunResources(together: [alone, local, local])
        #expect(both.openFiles == alone.openFiles + 2 * local.openFiles)
        #expect(both.memory == alone.memory + 2 * local.memory)
        #expect(both.addressSpace == alone.addressSpace + 2 * (local.addressSpace - (448 << 20)))
        #expect(RunResources(together: [local]).addressSpace == local.addressSpace)
    }

    @Test("The largest network that is allowed is refused where there is no memory for it, not begun")
    func huge() throws {
        let sizes = [511, 1 << 20]
        var limits = plenty
        limits.memory = 8 << 30
        for placement in [.localWorkers(4)] as [RunResources.Placement] {
            let run = try resources(sizes, placement)
            #expect(run.memory > 12 << 30)
            #expect(throws: RunResources.Shortage.self) { try run.check(limits) }
        }
    }
}
