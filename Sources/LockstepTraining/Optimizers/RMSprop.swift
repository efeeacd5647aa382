package import LockstepConfiguration
package import LockstepModel
package import LockstepNumerics

/// RMSprop's settings, as the configuration names them; see ``RMSprop``.
package struct RMSpropOptions: OptimizerKind {
    package var learningRate: Double
    package var alpha: Double
    package var epsilon: Double
    package var momentum: Double
    package var weightDecay: Double

    package init(
        learningRate: Double, alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
        weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.alpha = alpha
        self.epsilon = epsilon
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    package static let name = "rmsprop"
    package static let defaults = RMSpropOptions(learningRate: 0)
    package static let keys = [
        ConfigurationKey(
            "learning-rate", \RMSpropOptions.learningRate, .positive(), example: "0.001",
            "η of gradients that are divided by the root of their mean square"),
        ConfigurationKey(
            "alpha", \RMSpropOptions.alpha, .number(0..<1), "what a step keeps of the mean of the gradients' squares"),
        ConfigurationKey(
            "epsilon", \RMSpropOptions.epsilon, .positive(), "added to the root of the mean square"),
        ConfigurationKey(
            "momentum", \RMSpropOptions.momentum, .number(0..<1),
            "the part of each step that is repeated in the next one"),
        ConfigurationKey(
            "weight-decay", \RMSpropOptions.weightDecay, .number(0..<1),
            "λ in ∇C + λw, for weights and not for biases"),
    ]

    package func makeOptimizer(for layout: ParameterLayout, rate: LearningRate) -> any Optimizer {
        RMSprop(layout, rate: rate, alpha: alpha, epsilon: epsilon, momentum: momentum, weightDecay: weightDecay)
    }
}

extension OptimizerConfiguration {
    /// Gradients divided by the root of their mean square.
    package static func rmsProp(
        learningRate: Double, alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
        weightDecay: Double = 0
    ) -> OptimizerConfiguration {
        OptimizerConfiguration(
            RMSpropOptions(
                learningRate: learningRate, alpha: alpha, epsilon: epsilon, momentum: momentum,
                weightDecay: weightDecay))
    }
}

/// Gradient descent with each gradient divided by the root of the mean of its squares, plain or with momentum.
///
/// With the mean gradient g = 1/m Σ ∇C, the learning rate η, the momentum μ and the weight decay λ:
///
///     d = g + λ w          λ is 0 for biases
///     v = α v + (1 - α) d²
///     u = μ u + d / (√v + ε)
///     w = w - η u
///
/// Hinton, Srivastava and Swersky, "Neural networks for machine learning", lecture 6e, 2012, in the form of PyTorch's
/// RMSprop: v begins at 0 and is not corrected for it, and ε is added to the root.
package final class RMSprop: Optimizer {
    private let layout: ParameterLayout
    private let rate: LearningRate
    private let alpha: Double
    private let epsilon: Double
    private let momentum: Double
    private let weightDecay: Double
    /// v, in the layout.
    private let meanSquare: FloatBuffer
    /// u, in the layout; absent without momentum.
    private let velocity: FloatBuffer?

    private var coefficients = RMSpropCoefficients()

    package init(
        _ layout: ParameterLayout, rate: LearningRate, alpha: Double = 0.99, epsilon: Double = 1e-8,
        momentum: Double = 0, weightDecay: Double = 0
    ) {
        self.layout = layout
        self.rate = rate
        self.alpha = alpha
        self.epsilon = epsilon
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.meanSquare = FloatBuffer(count: layout.count)
        self.velocity = momentum > 0 ? FloatBuffer(count: layout.count) : nil
    }

    package var stateBuffers: [(name: String, buffer: FloatBuffer)] {
        [("mean-square", meanSquare)] + (velocity.map { [("velocity", $0)] } ?? [])
    }

    /// None: the buffers are all the state there is.
    package var stateScalars: [String: Double] {
        get { [:] }
        set {}
    }

    package func beginStep(_ step: UInt64, samples: Int) {
        coefficients = RMSpropCoefficients(
            mean: Float(1 / Double(samples)), alpha: Float(alpha), oneMinusAlpha: Float(1 - alpha),
            epsilon: Float(epsilon), momentum: Float(momentum), rate: Float(rate.value(at: step)))
    }

    package func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> UpdateCheck {
        var check = UpdateCheck()
        layout.forEachPart(of: range) { part, decays in
            check += rmsPropStep(
                from: current + part.lowerBound, along: sum + (part.lowerBound - range.lowerBound), coefficients,
                decay: Float(decays ? weightDecay : 0), meanSquare: meanSquare.pointer + part.lowerBound,
                velocity: velocity.map { $0.pointer + part.lowerBound }, into: next + part.lowerBound,
                count: part.count)
        }
        return check
    }
}
