import Foundation
import LockstepText
import Testing

@Suite("JSON")
struct JSONTests {
    private struct Value: Codable {
        var stepSeconds = 0.5
        var name = "a/b"
    }

    @Test("Keys are sorted, slashes stay, and the style of keys and lines is a matter of choice")
    func styles() throws {
        #expect(try JSONEncoder.sorted().text(Value()) == #"{"name":"a/b","stepSeconds":0.5}"#)
        #expect(
            try JSONEncoder.sorted(indented: true, inSnakeCase: true).text(Value())
                == "{\n  \"name\" : \"a/b\",\n  \"step_seconds\" : 0.5\n}")
    }

    @Test("A number that JSON does not have is an error")
    func infinite() {
        #expect(throws: EncodingError.self) { try JSONEncoder.sorted().text(Value(stepSeconds: .infinity)) }
    }
}
