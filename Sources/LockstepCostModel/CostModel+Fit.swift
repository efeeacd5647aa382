extension CostModel {
    /// A measured step.
    package struct Observation: Hashable, Sendable {
        package var batch: Int
        package var shards: Int
        /// 0: a single process.
        package var workers: Int
        /// The whole step.
        package var seconds: Double
        /// The slowest worker's part of it.
        package var compute: Double

        package init(batch: Int, shards: Int, workers: Int, seconds: Double, compute: Double) {
            self.batch = batch
            self.shards = shards
            self.workers = workers
            self.seconds = seconds
            self.compute = compute
        }
    }

    /// The straight line nearest to measured points, by least squares of the relative errors, with no negative part. One
    /// point gives a line through the origin.
    ///
    /// - Parameter points: Counts and their seconds; at least one.
    /// - Returns: The line.
    package static func line(through points: [(count: Double, seconds: Double)]) -> Line {
        let usable = points.filter { $0.seconds > 0 }
        return fitted(usable.map { ($0.count, $0.seconds, 1 / ($0.seconds * $0.seconds)) }, onePoint: .proportional)
    }

    /// Fits the figures that only whole steps show: the machine's sustained speed, the contention of cores that all
    /// compute, and the cost of messages.
    ///
    /// First the calibration's figures are scaled to the measured steps of single processes. Contention is the ratio of
    /// the workers' computing to a single process's. Messages are the rest of the steps, after computing and additions.
    package mutating func fit(_ observations: [Observation]) {
        let ratios = observations.filter { $0.workers == 0 && $0.seconds > 0 }.map { $0.seconds / seconds(of: $0) }
        if !ratios.isEmpty { scale(by: ratios.reduce(0, +) / Double(ratios.count)) }
        let distributed = observations.filter { $0.workers > 0 && $0.seconds > 0 }
        guard !distributed.isEmpty else { return }
        contention = 1
        let contentions = distributed.compactMap { contention(shownBy: $0) }
        if !contentions.isEmpty {
            // A value beyond these bounds has another cause than cores that share memory.
            contention = min(4, max(0.5, contentions.reduce(0, +) / Double(contentions.count)))
        }
        messages = Line(fixed: 0, each: 0)
        let rests = distributed.map { observation in
            (
                Double(observation.workers), observation.seconds - seconds(of: observation),
                1 / (observation.seconds * observation.seconds)
            )
        }
        messages = Self.fitted(rests, onePoint: .constant)
    }

    /// Multiplies the time of everything that a processor does.
    private mutating func scale(by factor: Double) {
        compute.fixed *= factor
        compute.each *= factor
        addition *= factor
        update *= factor
    }

    /// The predicted time of an observed step.
    package func seconds(of observation: Observation) -> Double {
        estimate(of: observation).total
    }

    /// The relative error of the prediction; positive where it is too high.
    package func error(of observation: Observation) -> Double {
        seconds(of: observation) / observation.seconds - 1
    }

    /// The relative error at each observation of a model that was fitted to the other ones (leave-one-out
    /// cross-validation): a model passes exactly through two points that it is fitted to, and that says nothing about a
    /// third one.
    ///
    /// - Parameter observations: All that were measured.
    /// - Returns: An error for each; nil for the only observation with workers, because without any other one nothing is
    ///   known about messages.
    package func errorsLeavingOneOut(_ observations: [Observation]) -> [Double?] {
        observations.indices.map { index in
            var others = observations
            let left = others.remove(at: index)
            guard left.seconds > 0, left.workers == 0 || others.contains(where: { $0.workers > 0 }) else { return nil }
            var model = self
            model.fit(others)
            return model.error(of: left)
        }
    }

    private func estimate(of observation: Observation) -> Estimate {
        observation.workers == 0
            ? single(batch: observation.batch, shards: observation.shards)
            : distributed(batch: observation.batch, shards: observation.shards, workers: observation.workers)
    }

    /// The contention that explains the slowest worker's time; nil if a single process computed. Requires that
    /// ``contention`` is 1.
    private func contention(shownBy observation: Observation) -> Double? {
        let computing = min(observation.workers, observation.shards, observation.batch)
        let alone = estimate(of: observation).compute
        guard computing > 1, cores > 1, alone > 0, observation.compute > 0 else { return nil }
        let busy = Double(min(computing, cores) - 1) / Double(cores - 1)
        return 1 + (observation.compute / alone - 1) / busy
    }

    private enum OnePoint { case proportional, constant }

    /// Weighted least squares with parts that are not negative.
    private static func fitted(_ points: [(x: Double, y: Double, weight: Double)], onePoint: OnePoint) -> Line {
        let w = points.reduce(0) { $0 + $1.weight }
        guard w > 0 else { return Line(fixed: 0, each: 0) }
        let x = points.reduce(0) { $0 + $1.weight * $1.x } / w
        let y = points.reduce(0) { $0 + $1.weight * $1.y } / w
        let xx = points.reduce(0) { $0 + $1.weight * ($1.x - x) * ($1.x - x) }
        let proportional = Line(fixed: 0, each: x > 0 ? max(0, proportionality(points)) : 0)
        let constant = Line(fixed: max(0, y), each: 0)
        guard points.count > 1, xx > 1e-12 * w * x * x else {
            return onePoint == .proportional ? proportional : constant
        }
        let each = points.reduce(0) { $0 + $1.weight * ($1.x - x) * ($1.y - y) } / xx
        if each < 0 { return constant }
        return y - each * x < 0 ? proportional : Line(fixed: y - each * x, each: each)
    }

    /// The slope of the best line through the origin.
    private static func proportionality(_ points: [(x: Double, y: Double, weight: Double)]) -> Double {
        points.reduce(0) { $0 + $1.weight * $1.x * $1.y } / points.reduce(0) { $0 + $1.weight * $1.x * $1.x }
    }
}
