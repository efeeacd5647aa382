package import LockstepNumerics

/// Draws a network's parameters.
///
/// With `standard-normal`, parameter i of the buffer is the Gaussian at (initialParameters, epoch 0, sample i, draw 0):
/// its value depends on the seed and i alone.
///
/// - Parameters:
///   - architecture: The network.
///   - seed: The run's.
///   - parameters: At least ``ParameterLayout/count`` floats; the first of them are written.
/// - Throws: ``NetworkError`` if the architecture can't be built.
package func initialize(
    _ architecture: Architecture, seed: UInt64, into parameters: FloatBuffer
) throws(NetworkError) {
    let count = try ParameterLayout(architecture).count
    precondition(parameters.count >= count)
    let random = Philox(seed: seed)
    switch architecture.initializer {
    case .standardNormal:
        for i in 0..<count {
            let position = RandomPosition(.initialParameters, sample: UInt32(i))
            parameters.pointer[i] = random.standardNormal(at: position)
        }
    }
}
