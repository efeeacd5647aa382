import Testing

@testable import LockstepCLI

@Suite("Console")
struct ConsoleTests {
    @Test("Quoted text cannot act on the terminal; line breaks of our own stay")
    func printable() {
        #expect(Console.printable("first\nsecond\n") == "first\nsecond\n")
        #expect(Console.printable("worker \u{1B}[2J\u{202E}\r left") == "worker \\u{1B}[2J\\u{202E}\\r left")
        #expect(Console.printable(String(repeating: "x", count: 5_000)).count == 4_001)
    }
}
