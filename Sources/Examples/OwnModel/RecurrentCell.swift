import Lockstep

/// An Elman cell over a sequence of numbers: h_t = tanh(u x_t + V h_(t-1) + b), and a class from the last state, W h + c.
///
/// Elman, "Finding structure in time", Cognitive Science 14 (1990). The gradient is backpropagation through time.
struct RecurrentCell: TrainableModel {
    /// Numbers of a sequence.
    var length: Int
    /// Values of the state h.
    var states = 12
    /// Classes to tell apart.
    var classes = 3

    var inputCount: Int { length }
    var outputCount: Int { classes }

    var parameters: [ParameterTensor] {
        [
            .weights("input", [states]), .weights("recurrent", [states, states]), .biases("bias", [states]),
            .weights("output", [classes, states]), .biases("output-bias", [classes]),
        ]
    }

    /// Where the tensors begin in the buffer.
    private var places: (u: Int, v: Int, b: Int, w: Int, c: Int) {
        let (v, b) = (states, states + states * states)
        let w = b + states
        return (0, v, b, w, w + classes * states)
    }

    func initialize(_ parameters: inout MutableSpan<Float>, random: RandomNumbers) {
        let at = places
        let scale = 1 / Float(states).squareRoot()
        for index in 0..<states { parameters[at.u + index] = random.normal(element: at.u + index) }
        for index in 0..<states * states { parameters[at.v + index] = scale * random.normal(element: at.v + index) }
        for index in 0..<classes * states { parameters[at.w + index] = scale * random.normal(element: at.w + index) }
    }

    /// The states of one sequence after each number, the first one 0: [length + 1, states]; the errors of a state; the scores.
    struct Workspace {
        var states: [Float]
        var error: [Float]
        var scores: [Float]
    }

    func makeWorkspace(rows: Int) -> Workspace {
        Workspace(
            states: Array(repeating: 0, count: (length + 1) * states), error: Array(repeating: 0, count: states),
            scores: Array(repeating: 0, count: classes))
    }

    func addGradient(
        of block: SampleBlock, parameters: Span<Float>, to gradient: inout MutableSpan<Float>,
        workspace: inout Workspace
    ) -> Double {
        let at = places
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            forward(block, row, parameters, &workspace)
            lossSum += turnIntoErrors(&workspace.scores, label: Int(block.labels[row]))
            let last = length * states
            for state in 0..<states { workspace.error[state] = 0 }
            for output in 0..<classes {
                let error = workspace.scores[output]
                gradient[at.c + output] += error
                for state in 0..<states {
                    gradient[at.w + output * states + state] += error * workspace.states[last + state]
                    workspace.error[state] += error * parameters[at.w + output * states + state]
                }
            }
            backward(block, row, parameters, &gradient, &workspace)
        }
        return lossSum
    }

    func computeOutputs(
        of block: SampleBlock, parameters: Span<Float>, into outputs: inout MutableSpan<Float>,
        workspace: inout Workspace
    ) {
        for row in 0..<block.rowCount {
            forward(block, row, parameters, &workspace)
            for output in 0..<classes { outputs[row * classes + output] = workspace.scores[output] }
        }
    }

    func loss(of block: SampleBlock, outputs: Span<Float>) -> Double {
        var lossSum = 0.0
        for row in 0..<block.rowCount {
            var scores = (0..<classes).map { outputs[row * classes + $0] }
            lossSum += turnIntoErrors(&scores, label: Int(block.labels[row]))
        }
        return lossSum
    }

    /// Computes the states and the scores of a sequence.
    private func forward(_ block: SampleBlock, _ row: Int, _ parameters: Span<Float>, _ workspace: inout Workspace) {
        let at = places
        for step in 0..<length {
            let (before, after) = (step * states, (step + 1) * states)
            let x = block.inputs[row * length + step]
            for state in 0..<states {
                var z = parameters[at.u + state] * x + parameters[at.b + state]
                for other in 0..<states {
                    z += parameters[at.v + state * states + other] * workspace.states[before + other]
                }
                workspace.states[after + state] = PortableMath.tanh(z)
            }
        }
        for output in 0..<classes {
            var score = parameters[at.c + output]
            for state in 0..<states {
                score += parameters[at.w + output * states + state] * workspace.states[length * states + state]
            }
            workspace.scores[output] = score
        }
    }

    /// Carries the error of the last state back through the sequence.
    private func backward(
        _ block: SampleBlock, _ row: Int, _ parameters: Span<Float>, _ gradient: inout MutableSpan<Float>,
        _ workspace: inout Workspace
    ) {
        let at = places
        for step in (0..<length).reversed() {
            let (before, after) = (step * states, (step + 1) * states)
            let x = block.inputs[row * length + step]
            for state in 0..<states {
                let h = workspace.states[after + state]
                workspace.error[state] *= 1 - h * h
            }
            // The state is no longer needed, so its place takes the error of the state before it.
            for state in 0..<states { workspace.states[after + state] = 0 }
            for state in 0..<states {
                let error = workspace.error[state]
                gradient[at.u + state] += error * x
                gradient[at.b + state] += error
                for other in 0..<states {
                    gradient[at.v + state * states + other] += error * workspace.states[before + other]
                    workspace.states[after + other] += error * parameters[at.v + state * states + other]
                }
            }
            for state in 0..<states { workspace.error[state] = workspace.states[after + state] }
        }
    }

    /// Softmax and the negative log-likelihood of the label: the scores become their errors, a - y.
    private func turnIntoErrors(_ scores: inout [Float], label: Int) -> Double {
        let largest = scores.max() ?? 0
        var sum: Float = 0
        for output in scores.indices {
            scores[output] = PortableMath.exp(scores[output] - largest)
            sum += scores[output]
        }
        for output in scores.indices { scores[output] /= sum }
        let likelihood = Double(scores[label])
        scores[label] -= 1
        return -PortableMath.log(likelihood)
    }
}
