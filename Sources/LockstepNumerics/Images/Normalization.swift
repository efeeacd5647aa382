import CKernels

/// What normalisations add to the variance before they take its root; PyTorch's default.
package let normalizationEpsilon = 1e-5

/// Layer normalisation: `(x - mean) / √(variance + ε) · weight + bias`, with mean and variance of all elements of a sample.
///
/// The sums are added in double, in an order that depends on the shape alone. Ba, Kiros and Hinton, "Layer normalization",
/// 2016.
///
/// - Parameters:
///   - images: [rows, shape].
///   - shape: The images' shape; a layer of n neurons has n channels of 1 x 1.
///   - rows: Samples.
///   - weights: [channels, height, width].
///   - biases: [channels, height, width].
///   - statistics: Receives mean and 1 / √(variance + ε) of each sample, [rows, 2].
///   - outputs: Receives the result, [rows, shape]; unused lanes become zeros.
package func layerNorm(
    _ images: UnsafePointer<Float>, _ shape: ImageShape, rows: Int, weights: UnsafePointer<Float>,
    biases: UnsafePointer<Float>, statistics: UnsafeMutablePointer<Double>, into outputs: UnsafeMutablePointer<Float>
) {
    lockstep_layer_norm(images, shape.value, rows, normalizationEpsilon, weights, biases, statistics, outputs)
}

/// The gradients of ``layerNorm``.
///
/// - Parameters:
///   - outputErrors: [rows, shape].
///   - images: What was normalised, [rows, shape].
///   - shape: The images' shape.
///   - rows: Samples.
///   - weights: [channels, height, width].
///   - statistics: What ``layerNorm`` wrote.
///   - accumulating: Whether the gradients are added to their content.
///   - weightGradient: Receives the sum over the rows, in order, [channels, height, width].
///   - biasGradient: Receives the sum over the rows, in order, [channels, height, width].
///   - errors: Receives the errors of the images, [rows, shape]; unused lanes become zeros. May be `outputErrors`; nil if the
///     caller does not need it.
package func layerNormErrors(
    _ outputErrors: UnsafePointer<Float>, images: UnsafePointer<Float>, _ shape: ImageShape, rows: Int,
    weights: UnsafePointer<Float>, statistics: UnsafePointer<Double>, accumulating: Bool,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    into errors: UnsafeMutablePointer<Float>?
) {
    lockstep_layer_norm_errors(
        outputErrors, images, statistics, shape.value, rows, weights, accumulating, weightGradient, biasGradient, errors
    )
}

/// Group normalisation: `(x - mean) / √(variance + ε) · weight + bias`, with mean and variance of the channels of a group.
///
/// The sums are added in double, in an order that depends on the shape alone. Wu and He, "Group normalization", ECCV 2018.
///
/// - Parameters:
///   - images: [rows, shape].
///   - shape: The images' shape.
///   - rows: Samples.
///   - groups: Divides the channels.
///   - weights: [channels].
///   - biases: [channels].
///   - statistics: Receives mean and 1 / √(variance + ε) of each group, and has room for the backward pass,
///     [rows, groups, 4].
///   - outputs: Receives the result, [rows, shape]; unused lanes become zeros.
package func groupNorm(
    _ images: UnsafePointer<Float>, _ shape: ImageShape, rows: Int, groups: Int, weights: UnsafePointer<Float>,
    biases: UnsafePointer<Float>, statistics: UnsafeMutablePointer<Double>, into outputs: UnsafeMutablePointer<Float>
) {
    precondition(groups > 0 && shape.channels % groups == 0)
    lockstep_group_norm(images, shape.value, rows, groups, normalizationEpsilon, weights, biases, statistics, outputs)
}

/// The gradients of ``groupNorm``.
///
/// - Parameters:
///   - outputErrors: [rows, shape].
///   - images: What was normalised, [rows, shape].
///   - shape: The images' shape.
///   - rows: Samples.
///   - groups: As in the forward pass.
///   - weights: [channels].
///   - statistics: What ``groupNorm`` wrote, [rows, groups, 4].
///   - accumulating: Whether the gradients are added to their content.
///   - weightGradient: Receives the sum over the rows, in order, [channels].
///   - biasGradient: Receives the sum over the rows, in order, [channels].
///   - errors: Receives the errors of the images, [rows, shape]; unused lanes become zeros. May be `outputErrors`; nil if the
///     caller does not need it.
package func groupNormErrors(
    _ outputErrors: UnsafePointer<Float>, images: UnsafePointer<Float>, _ shape: ImageShape, rows: Int, groups: Int,
    weights: UnsafePointer<Float>, statistics: UnsafeMutablePointer<Double>, accumulating: Bool,
    weightGradient: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    into errors: UnsafeMutablePointer<Float>?
) {
    precondition(groups > 0 && shape.channels % groups == 0)
    lockstep_group_norm_errors(
        outputErrors, images, statistics, shape.value, rows, groups, weights, accumulating, weightGradient,
        biasGradient,
        errors)
}
