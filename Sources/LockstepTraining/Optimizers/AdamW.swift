package import LockstepConfiguration
package import LockstepModel
package import LockstepNumerics

/// AdamW's settings, as the configuration names them; see ``AdamW``.
package struct AdamWOptions: OptimizerKind {
    package var learningRate: Double
    package var beta1: Double
    package var beta2: Double
    package var epsilon: Double
    package var weightDecay: Double

    package init(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    package static let name = "adamw"
    package static let defaults = AdamWOptions(learningRate: 0)
    package static let keys = [
        ConfigurationKey(
            "learning-rate", \AdamWOptions.learningRate, .positive(), example: "0.001",
            "η of Adam with decoupled weight decay"),
        ConfigurationKey(
            "beta1", \AdamWOptions.beta1, .number(0..<1), "what a step keeps of the mean of the gradients"),
        ConfigurationKey(
            "beta2", \AdamWOptions.beta2, .number(0..<1), "what a step keeps of the mean of their squares"),
        ConfigurationKey(
            "epsilon", \AdamWOptions.epsilon, .positive(), "added to the root of the mean square"),
        ConfigurationKey(
            "weight-decay", \AdamWOptions.weightDecay, .number(0..<1), "λ in (1 - ηλ) w, for weights and not for biases"
        ),
    ]

    package func makeOptimizer(for layout: ParameterLayout, rate: LearningRate) -> any Optimizer {
        AdamW(layout, rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
    }
}

extension OptimizerConfiguration {
    /// Adam with decoupled weight decay.
    package static func adamW(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) -> OptimizerConfiguration {
        OptimizerConfiguration(
            AdamWOptions(
                learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay))
    }
}

/// Adam with decoupled weight decay.
///
/// With the mean gradient g = 1/m Σ ∇C of step t = 1, 2, ..., the learning rate η and the weight decay λ:
///
///     m = β1 m + (1 - β1) g
///     v = β2 v + (1 - β2) g²
///     w = (1 - ηλ) w - η m̂ / (√v̂ + ε)      where m̂ = m / (1 - β1^t), v̂ = v / (1 - β2^t); λ is 0 for biases
///
/// Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; Loshchilov and Hutter, "Decoupled weight
/// decay regularization", ICLR 2019. The powers of β1 and β2 are running products in double.
package final class AdamW: Optimizer {
    private let layout: ParameterLayout
    private let rate: LearningRate
    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    /// m and v, in the layout.
    private let firstMoment: FloatBuffer
    private let secondMoment: FloatBuffer
    /// β1^t and β2^t.
    private var powers = (beta1: 1.0, beta2: 1.0)

    private var coefficients = AdamCoefficients()
    private var decay: Float = 0

    package init(
        _ layout: ParameterLayout, rate: LearningRate, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, weightDecay: Double = 0.01
    ) {
        self.layout = layout
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.firstMoment = FloatBuffer(count: layout.count)
        self.secondMoment = FloatBuffer(count: layout.count)
    }

    package var stateBuffers: [(name: String, buffer: FloatBuffer)] {
        [("first-moment", firstMoment), ("second-moment", secondMoment)]
    }

    package var stateScalars: [String: Double] {
        get { ["beta1-power": powers.beta1, "beta2-power": powers.beta2] }
        set {
            if let power = newValue["beta1-power"] { powers.beta1 = power }
            if let power = newValue["beta2-power"] { powers.beta2 = power }
        }
    }

    package func beginStep(_ step: UInt64, samples: Int) {
        powers.beta1 *= beta1
        powers.beta2 *= beta2
        let learningRate = rate.value(at: step)
        decay = Float(1 - learningRate * weightDecay)
        coefficients = AdamCoefficients(
            mean: Float(1 / Double(samples)),
            beta1: Float(beta1), oneMinusBeta1: Float(1 - beta1),
            beta2: Float(beta2), oneMinusBeta2: Float(1 - beta2),
            rate: Float(learningRate / (1 - powers.beta1)),
            rootScale: Float(1 / (1 - powers.beta2).squareRoot()),
            epsilon: Float(epsilon))
    }

    package func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> UpdateCheck {
        var check = UpdateCheck()
        layout.forEachPart(of: range) { part, decays in
            check += adamStep(
                from: current + part.lowerBound, along: sum + (part.lowerBound - range.lowerBound), coefficients,
                decay: decays ? decay : 1, firstMoment: firstMoment.pointer + part.lowerBound,
                secondMoment: secondMoment.pointer + part.lowerBound, into: next + part.lowerBound,
                count: part.count)
        }
        return check
    }
}
