import LockstepTesting
import Testing

@testable import LockstepDashboard

@Suite("Requests for a page")
struct HTTPRequestTests {
    private func decode(_ text: String) throws(HTTPRequest.Refusal) -> HTTPRequest? {
        try HTTPRequest.decode(Array(text.utf8))
    }

    @Test("A request has a method, a path and a host")
    func requests() throws {
        let request = try #require(
            try decode("GET /metrics?x=1 HTTP/1.1\r\nHost: LocalHost:8080\r\nAccept: */*\r\n\r\n"))
        #expect(request.method == .get && request.path == "/metrics" && request.host == "localhost")
        #expect(try decode("HEAD / HTTP/1.0\r\nhost: [::1]:80\n\n")?.host == "[::1]")
        #expect(try decode("GET / HTTP/1.1\n\n")?.host == nil)
    }

    @Test("A head that is not complete is waited for, up to a size")
    func incomplete() throws {
        let text = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for end in 0..<text.utf8.count {
            #expect(try HTTPRequest.decode(Array(text.utf8.prefix(end))) == nil)
        }
        let endless = [UInt8](repeating: UInt8(ascii: "x"), count: HTTPRequest.maximumSize)
        #expect(throws: HTTPRequest.Refusal.tooLarge) { try HTTPRequest.decode(endless) }
    }

    @Test(
        "Other requests are refused",
        arguments: [
            ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", HTTPRequest.Refusal.unknownMethod),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .malformed), ("GET /\r\n\r\n", .malformed),
            ("GET / HTTP/2\r\n\r\n", .malformed), ("GET http://a/ HTTP/1.1\r\n\r\n", .malformed),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", .malformed), ("\r\n\r\n", .malformed),
            ("GET /\u{1B}[2J HTTP/1.1\r\n\r\n", .malformed),
        ])
    func refused(text: String, refusal: HTTPRequest.Refusal) {
        #expect(throws: refusal) { try decode(text) }
    }

    @Test("Any bytes give a request, a refusal, or nothing yet", arguments: [1, 2, 3] as [UInt64])
    func total(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let parts = ["GET ", "/", " HTTP/1.1", "\r\n", "\n", "Host:", " ", "é", ":", "a", "\u{0}", "[", "]"]
        for _ in 0..<2_000 {
            var bytes = (0..<Int.random(in: 0...12, using: &random)).flatMap { _ in
                Array((parts.randomElement(using: &random) ?? "").utf8)
            }
            if let index = bytes.indices.randomElement(using: &random) {
                bytes[index] = .random(in: 0...255, using: &random)
            }
            _ = try? HTTPRequest.decode(bytes)
        }
    }

    @Test("At loopback only its own names are answered, so that no page of another site can read the run")
    func hosts() throws {
        let loopback = try #require(DashboardAddress("8080"))
        for host in ["localhost", "127.0.0.1", "[::1]"] { #expect(HTTPAnswer.mayAnswer(host, at: loopback)) }
        for host in ["evil.example", "", "127.0.0.1.evil.example"] {
            #expect(!HTTPAnswer.mayAnswer(host, at: loopback))
        }
        #expect(!HTTPAnswer.mayAnswer(nil, at: loopback))
        #expect(HTTPAnswer.mayAnswer("server.example", at: try #require(DashboardAddress("0.0.0.0:8080"))))
    }

    @Test("Addresses are a port, or a numeric address and a port")
    func addresses() {
        #expect(DashboardAddress("8080")?.description == "127.0.0.1:8080")
        #expect(DashboardAddress("localhost:0")?.description == "127.0.0.1:0")
        #expect(DashboardAddress("*:80")?.description == "0.0.0.0:80")
        #expect(DashboardAddress("[::1]:80")?.description == "[::1]:80")
        #expect(
            DashboardAddress("[::1]:80")?.isLoopback == true && DashboardAddress("10.0.0.1:80")?.isLoopback == false)
        for text in ["", "x", "70000", "-1", "+80", "server:80", "127.0.0.1:", "1.2.3:80", "[::1:80"] {
            #expect(DashboardAddress(text) == nil, "\(text)")
        }
    }
}
