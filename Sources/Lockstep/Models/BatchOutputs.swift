import LockstepCompute
import LockstepModel
import LockstepNumerics

/// The outputs of a model for many samples, in blocks, on one workspace.
enum BatchOutputs {
    /// Computes the outputs.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - parameters: In its layout.
    ///   - inputs: [samples][inputs].
    ///   - library: Computes products and convolutions.
    /// - Returns: [samples][outputs].
    /// - Throws: ``LockstepError`` that names the first sample of another size; what the model's own code throws.
    static func compute(
        _ model: any LockstepModel.Model, _ parameters: FloatBuffer, _ inputs: [[Float]], library: ComputeLibrary
    ) throws -> [[Float]] {
        for (index, input) in inputs.enumerated() where input.count != model.inputs {
            throw LockstepError(
                .configuration,
                "the network takes \(model.inputs) values, the input\(inputs.count > 1 ? " \(index)" : "") has \(input.count)"
            )
        }
        guard !inputs.isEmpty else { return [] }
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let rows = min(model.blockRows, inputs.count)
        let computer = try model.makeComputer(seed: 0, library: library, maximumRows: rows)
        let last = inputs.count % rows
        try computer.prepare(rows: last == 0 ? [rows] : [rows, last])
        computer.load(weights: parameters.pointer)
        var outputs: [[Float]] = []
        outputs.reserveCapacity(inputs.count)
        for start in stride(from: 0, to: inputs.count, by: rows) {
            let block = inputs[start..<min(start + rows, inputs.count)]
            for (row, input) in block.enumerated() {
                (computer.inputs + row * model.inputs).update(from: input, count: model.inputs)
            }
            let values = computer.outputs(rows: block.count)
            if let failure = computer.failure { throw failure }
            for row in 0..<block.count {
                outputs.append(Array(UnsafeBufferPointer(start: values + row * model.outputs, count: model.outputs)))
            }
        }
        return withExtendedLifetime((computer, parameters)) { outputs }
    }
}
