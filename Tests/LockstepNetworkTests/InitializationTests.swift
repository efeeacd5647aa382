import LockstepModel
import LockstepNetwork
import LockstepNumerics
import Testing

@Suite("Initial parameters")
struct InitializationTests {
    @Test("standard-normal: every weight and bias Gaussian with mean 0 and variance 1")
    func moments() throws {
        let parameters = try draw(Architecture(sizes: [784, 30, 10]), seed: 1)
        let count = Double(parameters.count)
        let mean = parameters.reduce(0) { $0 + Double($1) } / count
        let variance = parameters.reduce(0) { $0 + Double($1) * Double($1) } / count
        // Four standard errors.
        #expect(abs(mean) < 4 / count.squareRoot())
        #expect(abs(variance - 1) < 4 * (2 / count).squareRoot())
        #expect(Set(parameters).count > 23_800)
    }

    @Test("the other initializers scale the same Gaussians", arguments: [Initializer.scaledNormal, .xavier, .he])
    func scaled(initializer: Initializer) throws {
        let variances: [Double]
        let biasVariance: Float
        switch initializer {
        case .scaledNormal: (variances, biasVariance) = ([1.0 / 400, 1.0 / 100], 1)
        case .xavier: (variances, biasVariance) = ([2.0 / 500, 2.0 / 110], 0)
        default: (variances, biasVariance) = ([2.0 / 400, 2.0 / 100], 0)
        }
        let sizes = [400, 100, 10]
        let layout = try NetworkModel(Architecture(sizes: sizes)).layout
        let plain = try draw(Architecture(sizes: sizes), seed: 4)
        let scaled = try draw(Architecture(sizes: sizes, initializer: initializer), seed: 4)
        for (layer, variance) in zip(layout.segments.map(\.tensors), variances) {
            let deviation = Float(variance.squareRoot())
            #expect(layer[0].range.allSatisfy { scaled[$0] == deviation * plain[$0] })
            #expect(layer[1].range.allSatisfy { scaled[$0] == biasVariance * plain[$0] })
        }
    }

    @Test("a parameter depends on the seed and its index only", arguments: [0, 1, UInt64.max])
    func place(seed: UInt64) throws {
        let parameters = try draw(Architecture(sizes: [20, 5, 3]), seed: seed)
        let random = Philox(seed: seed)
        for i in parameters.indices.reversed() {
            #expect(
                parameters[i] == random.standardNormal(at: RandomPosition(.initialParameters, sample: UInt32(i))))
        }
        #expect(try Array(draw(Architecture(sizes: [20, 5]), seed: seed)) == Array(parameters.prefix(105)))
        #expect(try draw(Architecture(sizes: [20, 5, 3]), seed: seed &+ 1) != parameters)
    }

    /// Computed by an independent implementation of the generator and of the quantile in Python.
    @Test(
        "seed 1 draws what an independent implementation draws",
        arguments: [(0, 1.1460459), (1, 1.5434068), (2, 1.0604951), (23_859, 0.24110529)] as [(Int, Float)])
    func golden(index: Int, value: Float) throws {
        #expect(try draw(Architecture(sizes: [784, 30, 10]), seed: 1)[index] == value)
    }

    @Test("an impossible architecture draws nothing")
    func impossible() {
        let buffer = FloatBuffer(count: 1)
        #expect(throws: NetworkError.tooFewLayers(1)) {
            try NetworkModel(Architecture(sizes: [3])).initialize(seed: 1, into: buffer)
        }
    }

    private func draw(_ architecture: Architecture, seed: UInt64) throws -> [Float] {
        let buffer = FloatBuffer(count: try NetworkModel(architecture).layout.count)
        try NetworkModel(architecture).initialize(seed: seed, into: buffer)
        return Array(buffer.buffer)
    }
}
