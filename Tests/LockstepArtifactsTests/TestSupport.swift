import Foundation
import LockstepArtifacts
import LockstepData
import LockstepNetwork
import LockstepTraining

/// The description of the error that `body` throws; empty if it throws none.
func message(_ body: () throws -> some Any) -> String {
    do {
        _ = try body()
        return ""
    } catch {
        return "\(error)"
    }
}

/// The configuration of `config/mnist-30.yaml`.
let textbook = RunConfiguration(
    name: "mnist-30", data: .named("mnist"), network: Architecture(sizes: [784, 30, 10]),
    training: TrainingOptions(epochs: 30, batch: 10), optimizer: .sgd(learningRate: 3))
