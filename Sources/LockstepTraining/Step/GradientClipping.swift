/// How a mini-batch's mean gradient is limited before the optimizer uses it.
package enum GradientClipping: Hashable, Sendable {
    /// Every element is brought within -limit...limit.
    case value(Double)
    /// All elements are multiplied by min(1, limit / (‖g‖ + 10⁻⁶)), with the Euclidean norm of the whole gradient g. Every
    /// update waits for the last chunk of the gradient.
    ///
    /// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, in the form of
    /// PyTorch's clip_grad_norm_.
    case norm(Double)
}

/// The norm of a mini-batch's gradient, from the sums of squares of its chunks.
///
/// The chunks arrive in any order and are added in the order of the layout, so the bits are the same for any source.
struct GradientNorm {
    /// The squares of the elements of each chunk's sum; nil until that is complete.
    private var chunks: [Double?]
    private var missing: Int

    init(chunks count: Int) {
        chunks = Array(repeating: nil, count: count)
        missing = count
    }

    /// Begins a step: no chunk is complete.
    mutating func begin() {
        for index in chunks.indices { chunks[index] = nil }
        missing = chunks.count
    }

    /// Adds a chunk, once in a step.
    ///
    /// - Parameters:
    ///   - squares: The sum of the squares of its elements.
    ///   - chunk: The chunk's index.
    mutating func add(_ squares: Double, chunk: Int) {
        if chunks[chunk] == nil { missing -= 1 }
        chunks[chunk] = squares
    }

    /// Whether all chunks have been added.
    var isComplete: Bool { missing == 0 }

    /// What the gradient is multiplied by.
    ///
    /// - Parameters:
    ///   - limit: The largest norm of the mean gradient that stays as it is.
    ///   - samples: The mini-batch's size: the chunks are sums, not means.
    /// - Returns: 1 or less.
    func factor(limit: Double, samples: Int) -> Double {
        let norm = chunks.reduce(0) { $0 + ($1 ?? 0) }.squareRoot() / Double(samples)
        return min(1, limit / (norm + 1e-6))
    }
}
