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

    @Test("A client without an answer names the endpoint, and a name that has no address")
    func unresolved() throws {
        let context = try Context()
        func failure(_ text: String) throws -> String {
            let client = try StatusClient(try Endpoint(text), security: .none, context: context, limit: 0.02)
            return "\(try #require(throws: StatusClient.Failure.self) { try client.status() })"
        }
        let name = "tcp://no-such-host.invalid:5555"
        let text = try failure(name)
        let start = "no coordinator answered at \(name) within 0 s: the name no-such-host.invalid cannot be resolved: "
        #expect(text.hasPrefix(start), "\(text)")
        #expect(text.hasSuffix("; check the name, or give the address of the coordinator's host"), "\(text)")
        // Nothing listens at port 1.
        #expect(
            try failure("tcp://127.0.0.1:1")
                == "no coordinator answered at tcp://127.0.0.1:1 within 0 s; is it running, and is the endpoint right?")
    }
}
