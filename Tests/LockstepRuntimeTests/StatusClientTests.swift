import Glibc
import LockstepSystem
import LockstepTesting
import Testing
import ZeroMQ

@testable import LockstepRuntime

/// Clients that ask for a run's status.
@Suite("Clients of a coordinator")
struct StatusClientTests {
    @Test("A client without an answer keeps no socket open", arguments: [false, true])
    func closed(isBound: Bool) throws {
        let folder = try TemporaryFolder()
        let context = try Context()
        let endpoint = Endpoint.ipc(path: folder("coordinator"))
        let router = try context.socket(.router)
        if isBound { try router.bind(endpoint) }
        for _ in 0..<20 {
            let client = try StatusClient(endpoint, security: .none, context: context, limit: 0.02)
            #expect(throws: StatusClient.Failure.self) { try client.status() }
        }
        #expect(context.openSockets == 1)
    }
}
