import LockstepTraining

extension OptimizerConfiguration {
    init(_ section: ConfigurationSection) throws(ConfigurationError) {
        switch try section.variant(example: "sgd: { learning-rate: 3.0 }") {
        case "adamw":
            let adam = try section.required("adamw", example: "{ learning-rate: 0.001 }", section.section("adamw"))
            let rate = try adam.positiveNumber("learning-rate")
            self = .adamW(learningRate: try adam.required("learning-rate", example: "0.001", rate))
            guard case .adamW(let learningRate, var beta1, var beta2, var epsilon, var weightDecay) = self else {
                return
            }
            if let value = try adam.number("beta1", in: 0..<1) { beta1 = value }
            if let value = try adam.number("beta2", in: 0..<1) { beta2 = value }
            if let value = try adam.positiveNumber("epsilon") { epsilon = value }
            if let value = try adam.number("weight-decay", in: 0..<1) { weightDecay = value }
            self = .adamW(
                learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
        default:
            let sgd = try section.required("sgd", example: "{ learning-rate: 3.0 }", section.section("sgd"))
            let rate = try sgd.positiveNumber("learning-rate")
            let momentum = try sgd.number("momentum", in: 0..<1) ?? 0
            let nesterov = try sgd.flag("nesterov") ?? false
            if nesterov, momentum == 0, let node = sgd.value("nesterov") {
                throw sgd.impossible("nesterov", node, "needs a momentum: 'momentum: 0.9'")
            }
            self = .sgd(
                learningRate: try sgd.required("learning-rate", example: "3.0", rate), momentum: momentum,
                nesterov: nesterov, weightDecay: try sgd.number("weight-decay", in: 0..<1) ?? 0)
        }
    }
}

extension ScheduleConfiguration {
    /// `schedule`, which is `constant` if it is absent.
    init(in run: ConfigurationSection) throws(ConfigurationError) {
        self = .constant
        if case .scalar("constant", _)? = run.value("schedule")?.content { return }
        guard let section = try run.section("schedule") else { return }
        switch try section.variant(example: "one-cycle: { warm-up: 0.3 }") {
        case "step":
            guard let step = try section.section("step") else { return }
            let every = try step.integer("every", in: ConfigurationSchema.stepInterval)
            let factor = try step.number("factor", in: 0..<1)
            self = .step(
                every: try step.required("every", example: "10", every),
                factor: try step.required("factor", example: "0.1", factor))
        case "cosine":
            let cosine = try section.section("cosine")
            self = .cosine(
                warmUp: try cosine?.number("warm-up", in: 0..<1) ?? 0,
                final: try cosine?.number("final", in: 0..<1) ?? 0)
        case "one-cycle":
            self = .oneCycle()
            guard let cycle = try section.section("one-cycle"),
                case .oneCycle(var warmUp, var initial, var final) = self
            else { return }
            if let value = try cycle.number("warm-up", in: 0..<1) { warmUp = value }
            if let value = try cycle.number("initial", in: 0..<1) { initial = value }
            if let value = try cycle.number("final", in: 0..<1) { final = value }
            self = .oneCycle(warmUp: warmUp, initial: initial, final: final)
        default:
            return
        }
    }
}
