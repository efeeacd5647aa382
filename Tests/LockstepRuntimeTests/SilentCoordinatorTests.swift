import Glibc
import LockstepCluster
import LockstepData
import LockstepProtocol
import LockstepSystem
import LockstepTesting
import LockstepTraining
import Synchronization
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// A coordinator whose process lives, heartbeats included, and which says nothing after its welcome.
@Suite("A coordinator that says nothing", .serialized)
struct SilentCoordinatorTests {
    /// How the worker ended; empty while it runs.
    private final class Ending: Sendable {
        private let text = Mutex("")

        var value: String {
            get { text.withLock { $0 } }
            set { text.withLock { $0 = newValue } }
        }
    }

    private let ending = Ending()

    private static let deadlines: Deadlines = {
        var deadlines = Deadlines()
        (deadlines.ping, deadlines.pings, deadlines.hello) = (0.02, 3, 0.05)
        return deadlines
    }()

    @Test(
        "Its worker asks for a sign of life, joins anew and then ends, with and without the data set",
        arguments: [false, true])
    func silent(hasData: Bool) throws {
        let run = try ThreadCluster.prepare(shards: 1)
        var configuration = run.configuration
        configuration.timeouts.rejoin = 0.2
        let welcome = try Welcome(configuration: configuration, dataset: run.dataset.description).encoded()
        let folder = try TemporaryFolder()
        let cache = DataCache(directory: folder("cache"))
        if hasData { try cache.store(run.dataset) }
        let context = try Context()
        let endpoint = Endpoint.ipc(path: folder("coordinator"))
        let router = try context.socket(.router)
        _ = try router.bind([endpoint], security: .none, ioThreads: 1)
        let thread = try Thread(name: "worker") { work(context, endpoint, cache) }
        var kinds: [MessageKind] = []
        var identity = Message()
        var header = Message()
        var payload = Message()
        while ending.value.isEmpty {
            guard try router.receive(into: &identity, wait: false) == .received else {
                usleep(1_000)
                continue
            }
            _ = try router.receive(into: &header, wait: true)
            kinds.append(try header.withUnsafeBytes { try Header(decoding: $0) }.kind)
            if header.more { _ = try router.receive(into: &payload, wait: true) }
            guard kinds == [.hello] else { continue }
            let answer = Header(kind: .welcome, run: 7, member: 1).encoded(payload: welcome)
            for (bytes, more) in [(identity.array, true), (answer, true), (welcome, false)] {
                try router.send(Message(copying: bytes), more: more)
            }
        }
        thread.join()
        router.close(linger: 0)
        try context.terminate()
        #expect(
            ending.value
                == "no coordinator answered at \(endpoint) within 0 s; is it running, and is the endpoint right?")
        #expect(kinds.contains(hasData ? .ready : .dataRequest))
        #expect(kinds.count { $0 == .ping } == Self.deadlines.pings && kinds.last == .hello, "\(kinds)")
    }

    private func work(_ context: Context, _ endpoint: Endpoint, _ cache: DataCache) {
        do {
            let link = try WorkerLink(
                context: context, connectingTo: EndpointRotation(endpoint), deadlines: Self.deadlines)
            defer { link.close() }
            let options = WorkerOptions(
                host: "thread", processID: 1, kernel: nil, transport: .inline, cache: cache, notify: { _ in })
            let loop = WorkerLoop(
                link: link, context: context, deadlines: Self.deadlines, options: options, interruption: nil,
                stop: WorkerLoop.StopRequest(isMade: { false }))
            try loop.run()
        } catch {
            ending.value = "\(error)"
        }
    }
}
