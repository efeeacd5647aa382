import ArgumentParser
import Testing

@testable import LockstepCLI

@Suite("--oversubscribe")
struct OversubscribeTests {
    private func check(_ arguments: [String], _ count: Int, batch: Int?, cores: Int) throws {
        try OversubscribeOption.parse(arguments).check(count, option: "--workers", batch: batch, cores: cores)
    }

    @Test(
        "Processes beyond what the mini-batch or the machine can use need the option",
        arguments: [
            (1_000, 8, 2, "a mini-batch of 8 samples has work for 8 at most"),
            (9, 8, 64, "a mini-batch of 8 samples has work for 8 at most"), (8, 8, 2, nil),
            (2, 1, 2, "a mini-batch of 1 sample has work for 1 at most"),
            (17, nil, 2, "with 2 cores, more than 16 processes only wait for each other"), (16, nil, 1, nil),
            (257, 1_000, 64, "with 64 cores, more than 256 processes only wait for each other"), (256, 1_000, 64, nil),
        ] as [(Int, Int?, Int, String?)])
    func limits(count: Int, batch: Int?, cores: Int, words: String?) throws {
        if let words {
            let error = #expect(throws: CommandError.self) { try check([], count, batch: batch, cores: cores) }
            #expect(error?.kind == .usage && error?.description.contains("--workers \(count): \(words)") == true)
        } else {
            try check([], count, batch: batch, cores: cores)
        }
        try check(["--oversubscribe"], count, batch: batch, cores: cores)
    }
}
