package import LockstepConfiguration
package import LockstepModel
package import LockstepNumerics

/// Stochastic gradient descent and its settings, as the configuration names them; see ``GradientDescent``.
package struct SGD: OptimizerKind {
    package var learningRate: Double
    package var momentum: Double
    package var nesterov: Bool
    package var weightDecay: Double

    package init(learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
    }

    package static let name = "sgd"
    package static let defaults = SGD(learningRate: 0)
    package static let keys = [
        ConfigurationKey(
            "learning-rate", \SGD.learningRate, .positive(), example: "3.0", "η in w -> w - η/m Σ ∇C"),
        ConfigurationKey(
            "momentum", \SGD.momentum, .number(0..<1), "the part of each step that is repeated in the next one"),
        ConfigurationKey(
            "nesterov", \SGD.nesterov, .flag, "looks ahead by the momentum, which it needs",
            rule: { $0.nesterov && $0.momentum == 0 ? "needs a momentum: 'momentum: 0.9'" : nil }),
        ConfigurationKey(
            "weight-decay", \SGD.weightDecay, .number(0..<1),
            "λ in ∇C + λw, for weights and not for biases: the textbook's λ/n"),
    ]

    package func makeOptimizer(for layout: ParameterLayout, rate: LearningRate) -> any Optimizer {
        GradientDescent(layout, rate: rate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
    }
}

extension OptimizerConfiguration {
    /// Stochastic gradient descent.
    package static func sgd(
        learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double = 0
    ) -> OptimizerConfiguration {
        OptimizerConfiguration(
            SGD(learningRate: learningRate, momentum: momentum, nesterov: nesterov, weightDecay: weightDecay))
    }
}

/// Stochastic gradient descent, plain or with momentum.
///
/// With the mean gradient g = 1/m Σ ∇C, the learning rate η, the momentum μ and the weight decay λ:
///
///     d = g + λ w          λ is 0 for biases
///     v = μ v + d
///     w = w - η v          or, after Nesterov, w - η (d + μ v)
///
/// (Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", ICML
/// 2013, in the form of PyTorch's SGD.) The textbook's L2 regularisation, w -> (1 - ηλ'/n) w - η g, is the weight decay
/// λ'/n.
package final class GradientDescent: Optimizer {
    private let layout: ParameterLayout
    private let rate: LearningRate
    private let momentum: Double
    private let nesterov: Bool
    private let weightDecay: Double
    /// v; absent without momentum.
    private let velocity: FloatBuffer?

    private var learningRate = 0.0
    private var samples = 1

    package init(
        _ layout: ParameterLayout, rate: LearningRate, momentum: Double = 0, nesterov: Bool = false,
        weightDecay: Double = 0
    ) {
        self.layout = layout
        self.rate = rate
        self.momentum = momentum
        self.nesterov = nesterov
        self.weightDecay = weightDecay
        self.velocity = momentum > 0 ? FloatBuffer(count: layout.count) : nil
    }

    package var stateBuffers: [(name: String, buffer: FloatBuffer)] {
        velocity.map { [("velocity", $0)] } ?? []
    }

    /// None: the velocity is all the state there is.
    package var stateScalars: [String: Double] {
        get { [:] }
        set {}
    }

    package func beginStep(_ step: UInt64, samples: Int) {
        learningRate = rate.value(at: step)
        self.samples = samples
    }

    package func update(
        _ range: Range<Int>, from current: UnsafePointer<Float>, sum: UnsafePointer<Float>,
        into next: UnsafeMutablePointer<Float>
    ) -> UpdateCheck {
        guard velocity != nil || weightDecay > 0 else {
            let scale = Float(learningRate / Double(samples))
            return descend(
                from: current + range.lowerBound, along: sum, scale: scale, into: next + range.lowerBound,
                count: range.count)
        }
        var check = UpdateCheck()
        layout.forEachPart(of: range) { part, decays in
            let decay = Float(decays ? weightDecay : 0)
            let (from, into) = (current + part.lowerBound, next + part.lowerBound)
            let sum = sum + (part.lowerBound - range.lowerBound)
            let (mean, rate) = (Float(1 / Double(samples)), Float(learningRate))
            if let velocity {
                check += descendWithMomentum(
                    from: from, along: sum, mean: mean, decay: decay, momentum: Float(momentum), rate: rate,
                    nesterov: nesterov, velocity: velocity.pointer + part.lowerBound, into: into, count: part.count)
            } else {
                check += descend(
                    from: from, along: sum, mean: mean, decay: decay, rate: rate, into: into, count: part.count)
            }
        }
        return check
    }
}
