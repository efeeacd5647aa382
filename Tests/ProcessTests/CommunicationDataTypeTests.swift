import Glibc
import LockstepArtifacts
import LockstepTesting
import Testing

/// `wire: bfloat16`: rounding weights and gradients is part of the arithmetic, with any workers and any transport.
@Suite("Rounded payload", .serialized, .oneAtATime)
struct CommunicationDataTypeTests {
    private static let rounded = ["--set", "wire=bfloat16"]

    @Test(
        "One process, workers that share memory, workers that don't, and audits give the same weights",
        arguments: [1, 4])
    func sameWeights(shards: Int) throws {
        let place = try Workplace(epochs: 2)
        let options = Self.rounded + ["--shards", "\(shards)"]
        let alone = try place.train(options)
        let shared = try place.train(options + ["--workers", "3"])
        #expect(shared.weightsSHA256 == alone.weightsSHA256 && shared.inlinePayloadBytes == 0)
        #expect(shared.epochs.map(\.correct) == alone.epochs.map(\.correct))
        #expect(shared.epochs.map(\.cost) == alone.epochs.map(\.cost))
        let inline = try place.train(options + ["--workers", "3", "--transport", "inline", "--audit", "0.3"])
        #expect(inline.weightsSHA256 == alone.weightsSHA256)
        #expect(inline.epochs.map(\.cost) == alone.epochs.map(\.cost))
        #expect(try place.weights(options + ["--workers", "1", "--transport", "inline"]) == alone.weightsSHA256)
        #expect(try place.weights(options + ["--workers", "auto"]) == alone.weightsSHA256)
        #expect(try place.weights(["--shards", "\(shards)"]) != alone.weightsSHA256)
    }

    @Test("Messages have half the bytes, except the weights in full precision before an evaluation")
    func bytes() throws {
        let place = try Workplace(epochs: 2)
        let options = ["--workers", "2", "--transport", "inline"]
        let never = ["--set", "evaluation.every=0"]
        let plain = try place.train(options + never).inlinePayloadBytes
        let half = try place.train(options + never + Self.rounded).inlinePayloadBytes
        // Not exactly: a worker that is late once is sent different messages.
        #expect(abs(2 * Double(half) / Double(plain) - 1) < 0.1, "\(half) of \(plain)")
        let often = try place.train(options + Self.rounded + ["--epochs", "40", "--batch", "500"])
        let rarely = try place.train(options + Self.rounded + never + ["--epochs", "40", "--batch", "500"])
        #expect(often.weightsSHA256 == rarely.weightsSHA256)
        // A step sends two bytes per element to each of two workers and receives as many; an evaluation sends four.
        let ratio = Double(often.inlinePayloadBytes) / Double(rarely.inlinePayloadBytes)
        #expect((1.8...2.2).contains(ratio), "\(often.inlinePayloadBytes) against \(rarely.inlinePayloadBytes)")
    }

    @Test("A run whose workers are killed, and which is interrupted and resumed, ends with the same weights")
    func faults() throws {
        let place = try Workplace(epochs: 8)
        let options = Self.rounded + ["--shards", "4", "--workers", "3", "--set", "checkpoint.every=0.01"]
        let alone = try place.weights(Self.rounded + ["--shards", "4"])
        let output = place.output()
        let run = try RunningProcess(
            ["train", place.configuration, "--output", output] + options,
            environment: ["LOCKSTEP_FAULT": "slow=4"], in: place.folder.path)
        try run.waitForLine(containing: "Epoch 0")
        kill(try #require(run.workers.first), SIGKILL)
        try run.waitForLine(containing: "Epoch 1")
        run.send(signal: SIGKILL)
        _ = try run.wait()
        let rest = try Program.run(
            ["train", place.configuration, "--output", output, "--resume", "--workers", "2"] + Self.rounded,
            in: place.folder.path)
        #expect(rest.status == 0, "\(rest)")
        #expect(try RunSummary(run: output).weightsSHA256 == alone)
    }
}
