import ArgumentParser
import LockstepArtifacts
import LockstepNetwork
import LockstepTesting
import Testing

@testable import LockstepCLI

@Suite("Predictions")
struct PredictTests {
    @Test("A network that tells other things than digits apart is refused by the name of one of them")
    func notDigits() throws {
        let folder = try TemporaryFolder()
        let model = folder("clothes.safetensors")
        try [Float](repeating: 0, count: 785 * 3).withUnsafeBufferPointer {
            try ModelFile.save(
                to: model, architecture: Architecture(sizes: [784, 3]), cost: .quadratic, parameters: $0,
                metadata: ModelMetadata(inputScale: .byte, labels: ["0", "Bag", "Coat"]))
        }
        let command = try PredictCommand.parse([model, "absent.png"])
        let error = #expect(throws: CommandError.self) { try command.run() }
        #expect(error?.kind == .invalidData)
        #expect(error?.description.contains("tells other things apart, such as 'Bag'") == true)
    }
}
