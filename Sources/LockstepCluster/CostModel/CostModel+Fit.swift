extension CostModel {
    /// A measured step.
    package struct Observation: Hashable, Sendable {
        package var batch: Int
        package var shards: Int
        /// 0: a single process.
        package var workers: Int
        package var seconds: Double

        package init(batch: Int, shards: Int, workers: Int, seconds: Double) {
            self.batch = batch
            self.shards = shards
            self.workers = workers
            self.seconds = seconds
        }
    }

    /// The straight line nearest to measured points, by least squares of the relative errors; neither of its parts is
    /// negative. One point gives a line through the origin.
    ///
    /// - Parameter points: Counts and the seconds that they took; at least one.
    /// - Returns: The line.
    package static func line(through points: [(count: Double, seconds: Double)]) -> Line {
        let weighted = points.filter { $0.seconds > 0 }.map {
            (x: $0.count, y: $0.seconds, w: 1 / ($0.seconds * $0.seconds))
        }
        guard let first = weighted.first else { return Line(fixed: 0, each: 0) }
        let w = weighted.reduce(0) { $0 + $1.w }
        let x = weighted.reduce(0) { $0 + $1.w * $1.x } / w
        let y = weighted.reduce(0) { $0 + $1.w * $1.y } / w
        let xx = weighted.reduce(0) { $0 + $1.w * ($1.x - x) * ($1.x - x) }
        let xy = weighted.reduce(0) { $0 + $1.w * ($1.x - x) * ($1.y - y) }
        guard weighted.count > 1, xx > 0 else { return Line(fixed: 0, each: first.x > 0 ? first.y / first.x : 0) }
        let each = xy / xx
        if each < 0 { return Line(fixed: y, each: 0) }
        let fixed = y - each * x
        guard fixed < 0 else { return Line(fixed: fixed, each: each) }
        let square = weighted.reduce(0) { $0 + $1.w * $1.x * $1.x }
        let product = weighted.reduce(0) { $0 + $1.w * $1.x * $1.y }
        return Line(fixed: 0, each: product / square)
    }

    /// Finds what only whole steps tell: what messages cost, and how much cores that all compute slow each other down.
    ///
    /// Of the crowdings from 1 to 3 it takes the one that, with the best line for the messages, leaves the smallest
    /// relative errors.
    package mutating func fit(_ observations: [Observation]) {
        let distributed = observations.filter { $0.workers > 0 }
        guard !distributed.isEmpty else { return }
        var best: (error: Double, model: CostModel)?
        for step in 0...100 {
            var model = self
            model.crowding = 1 + Double(step) / 50
            model.messages = Line(fixed: 0, each: 0)
            let rest = distributed.map { observation in
                (count: Double(observation.workers), seconds: observation.seconds - model.seconds(of: observation))
            }
            model.messages = Self.messages(rest, whole: distributed.map(\.seconds))
            let error = distributed.reduce(0) { $0 + abs(model.error(of: $1)) }
            // The least crowding that explains as much is the likelier one.
            if error < (best?.error ?? .infinity) - 1e-9 { best = (error, model) }
        }
        if let best { self = best.model }
    }

    /// The predicted time of what was observed.
    package func seconds(of observation: Observation) -> Double {
        observation.workers == 0
            ? single(batch: observation.batch, shards: observation.shards).total
            : distributed(batch: observation.batch, shards: observation.shards, workers: observation.workers).total
    }

    /// How far the prediction is from the observation, as a part of it; positive where it is too high.
    package func error(of observation: Observation) -> Double {
        seconds(of: observation) / observation.seconds - 1
    }

    /// The line of the rests that computing leaves, each weighted by the whole step it is a rest of.
    private static func messages(_ rests: [(count: Double, seconds: Double)], whole: [Double]) -> Line {
        var w = 0.0, x = 0.0, y = 0.0, xx = 0.0, xy = 0.0
        for (rest, step) in zip(rests, whole) {
            let weight = 1 / (step * step)
            w += weight
            x += weight * rest.count
            y += weight * rest.seconds
            xx += weight * rest.count * rest.count
            xy += weight * rest.count * rest.seconds
        }
        let determinant = w * xx - x * x
        guard rests.count > 1, determinant > 1e-12 * w * xx else { return Line(fixed: max(0, y / w), each: 0) }
        let each = (w * xy - x * y) / determinant
        let fixed = (y - each * x) / w
        if each < 0 { return Line(fixed: max(0, y / w), each: 0) }
        if fixed < 0 { return Line(fixed: 0, each: max(0, xy / xx)) }
        return Line(fixed: fixed, each: each)
    }
}
