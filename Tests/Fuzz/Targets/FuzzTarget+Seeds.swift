import Foundation
import Glibc
import LockstepArtifacts
import LockstepData
import LockstepNetwork
import LockstepNumerics
import LockstepRuntime

extension FuzzTarget {
    /// Valid inputs that this version of the program writes itself, so that they need not lie in the corpus, where they
    /// would grow old.
    package func writtenInputs() throws -> [[UInt8]] {
        switch self {
        case .welcome: [try welcomeInput(), try welcomeInput(features: true)]
        case .model: [try modelInput()]
        default: []
        }
    }
}

private func welcomeInput(features: Bool = false) throws -> [UInt8] {
    let text = """
        name: welcome
        data: { name: mnist }
        network: { sizes: [784, 30, 10] }
        training: { epochs: 1, batch: 10 }
        optimizer: { sgd: { learning-rate: 3.0 } }
        shards: 4
        """ + (features ? featureText : "")
    let dataset = DatasetDescription(
        name: "mnist", inputSize: 784, classCount: 10, element: .uint8, trainingCount: 50_000, validationCount: 10_000,
        testCount: 10_000, sha256: String(repeating: "0", count: 64))
    let configuration = try ConfigurationFile.parse(text: text, name: "welcome.yaml")
    return try Welcome(configuration: configuration, dataset: dataset).encoded()
}

/// All that training can do beside the least.
private let featureText = """

    cost: cross-entropy
    schedule: { one-cycle: { warm-up: 0.2 } }
    regularization: { dropout: 0.2, input-dropout: 0.1, label-smoothing: 0.05, average: 0.9 }
    augmentation: { shift: 1, rotation: 10, scale: 0.1, shear: 0.1, elastic: 0.5, smoothness: 3 }
    """

/// A network of 3-2-1.
private func modelInput() throws -> [UInt8] {
    let parameters = FloatBuffer(count: 11)
    for index in 0..<parameters.count { parameters.buffer[index] = Float(index) + 0.5 }
    let path = "/tmp/lockstep-fuzz-model-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    try ModelFile.save(
        to: path, architecture: Architecture(sizes: [3, 2, 1]), cost: .quadratic,
        parameters: UnsafeBufferPointer(parameters.buffer),
        metadata: ModelMetadata(inputScale: .byte, labels: ["only"], seed: 1, dataName: "digits"))
    return [UInt8](try Data(contentsOf: URL(filePath: path)))
}
