import Foundation
import Glibc
import LockstepArtifacts
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import Testing

@testable import LockstepDashboard

@Suite("The live page", .serialized)
struct DashboardTests {
    private let dashboard: Dashboard
    private let port: UInt16

    init() throws {
        dashboard = try Dashboard(try #require(DashboardAddress("0")), name: "tiny")
        port = try #require(UInt16(dashboard.url.split(separator: ":")[2].dropLast()))
    }

    /// A connection to the page.
    private final class Client {
        let socket: FileDescriptor

        init(_ port: UInt16) throws {
            socket = FileDescriptor(owning: Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
            let address = try #require(DashboardAddress("\(port)"))
            let result = address.withSocketAddress { [socket = socket.number] in connect(socket, $0, $1) }
            try #require(result == 0)
        }

        func send(_ text: String) throws { try socket.write(Array(text.utf8)) }

        /// Everything up to the connection's end.
        func answer() throws -> String {
            var (text, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
            while true {
                let count = try socket.read(into: &buffer)
                if count == 0 { return String(decoding: text, as: UTF8.self) }
                text += buffer.prefix(count)
            }
        }
    }

    private func get(_ path: String, host: String = "localhost", method: String = "GET") throws -> String {
        let client = try Client(port)
        try client.send("\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try client.answer()
    }

    private func show(step: Int) {
        dashboard.show(
            StepProgress(
                epoch: 1, step: step, stepsPerEpoch: 100, totalSteps: 100 + step, meanTrainingLoss: 0.25,
                learningRate: 0.5, samplesPerSecond: 1_234.5, workers: 2),
            epochs: 4,
            workers: [
                ReportDetails.Worker(
                    name: "worker 1", host: "a\"b", processID: 7, state: "computing", millisecondsPerNode: 1.5)
            ])
    }

    @Test("The page shows the progress and the workers, and can run no script")
    func page() throws {
        #expect(try get("/").contains("Waiting for the first steps"))
        show(step: 50)
        // A page serves for a second.
        usleep(1_100_000)
        let page = try get("/")
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n") && page.contains("Content-Security-Policy: default-src 'none'"))
        #expect(page.contains("step 50 of 100") && page.contains("worker 1") && page.contains("a&quot;b"))
        #expect(page.contains("width:37.5%"))
        let head = try get("/", method: "HEAD")
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n") && head.hasSuffix("\r\n\r\n"))
    }

    @Test("/metrics has a line for each figure, with escaped labels")
    func metrics() throws {
        show(step: 50)
        let text = try get("/metrics")
        #expect(text.contains("Content-Type: text/plain; version=0.0.4"))
        #expect(text.contains("# TYPE lockstep_steps_total counter\nlockstep_steps_total{run=\"tiny\"} 150.0\n"))
        #expect(text.contains("lockstep_samples_per_second{run=\"tiny\"} 1234.5\n"))
        #expect(
            text.contains(
                "lockstep_worker_node_seconds{run=\"tiny\",worker=\"worker 1\",host=\"a\\\"b\",pid=\"7\"} 0.0015\n"))
    }

    @Test("Other paths, methods and names are refused, and change nothing")
    func refused() throws {
        #expect(try get("/../etc/passwd").hasPrefix("HTTP/1.1 404 "))
        #expect(try get("/", method: "POST").hasPrefix("HTTP/1.1 405 "))
        #expect(try get("/", host: "evil.example").hasPrefix("HTTP/1.1 421 "))
    }

    @Test("Clients that never finish a request keep others out for no longer than their time")
    func hostile() throws {
        let started = Instant.now
        let clients = try (0..<HTTPServer.maximumConnections + 4).map { _ in try Client(port) }
        for client in clients { try client.send("GET / HTTP/1.1\r\n") }
        // Waits in the kernel's queue until the first of the others has had its time.
        #expect(try get("/metrics").contains("lockstep_members"))
        #expect(Instant.now.seconds(since: started) < 60)
    }

    @Test("A port that is in use is an error that names it")
    func inUse() {
        #expect {
            _ = try Dashboard(try #require(DashboardAddress("\(port)")), name: "other")
        } throws: { "\($0)".contains("127.0.0.1:\(port)") && "\($0)".contains("in use") }
    }
}
