import LockstepCompute
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepTraining

/// Runs single samples through the networks of an ensemble, one after another, with memory that is made once.
///
/// The outputs have the bits of ``Ensemble/outputs(for:)``.
package final class EnsemblePredictor {
    private let ensemble: Ensemble
    private let computers: [any ModelComputer]

    init(_ ensemble: Ensemble, library: ComputeLibrary) throws {
        self.ensemble = ensemble
        computers = try ensemble.networks.map { network in
            let computer = try network.model.makeComputer(seed: 0, library: library, maximumRows: 1)
            try computer.prepare(rows: [1])
            computer.load(weights: network.parameters.pointer)
            return computer
        }
    }

    /// The mean of the networks' outputs for a sample.
    ///
    /// - Parameter input: As many values as the networks take.
    /// - Returns: An output for each class.
    package func outputs(for input: [Float]) -> [Float] {
        let model = ensemble.networks[0].model
        precondition(input.count == model.inputs)
        var mean = OutputMean(networks: computers.count, count: model.outputs)
        for computer in computers {
            computer.inputs.update(from: input, count: input.count)
            mean.add(UnsafeBufferPointer(start: computer.outputs(rows: 1), count: model.outputs))
        }
        return mean.values
    }

    /// The answer that several outputs give together; nil for one-hot targets, where the largest output gives it.
    package func jointAnswer(of outputs: [Float]) -> Network.Prediction? {
        ensemble.networks[0].targets.map { Network.Prediction(outputs: outputs, targets: $0) }
    }
}

extension Ensemble {
    /// Makes what classifies many samples one by one.
    ///
    /// - Throws: ``LockstepError`` of the kind `kernel` if there is no compute library.
    package func makePredictor() throws(LockstepError) -> EnsemblePredictor {
        try withPublicErrors { try EnsemblePredictor(self, library: try ComputeLibrary.inUse()) }
    }
}
