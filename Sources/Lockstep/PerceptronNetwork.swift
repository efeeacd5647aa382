/// A circuit of perceptrons: each reads any of the network's inputs and any outputs of the perceptrons before it.
///
/// ```swift
/// let adder = PerceptronNetwork.halfAdder
/// adder.outputs([1, 1])       // [0, 1]: sum 0, carry 1
/// ```
public struct PerceptronNetwork: Hashable, Sendable {
    /// A perceptron and the signals that it reads.
    public struct Unit: Hashable, Sendable {
        /// The neuron.
        public var perceptron: Perceptron
        /// The signal of each input: signals 0 to inputs - 1 are the network's inputs, the signals after them are the
        /// outputs of the units, in order.
        public var sources: [Int]

        /// Makes a unit that reads these signals.
        public init(_ perceptron: Perceptron, from sources: [Int]) {
            self.perceptron = perceptron
            self.sources = sources
        }
    }

    /// The number of inputs.
    public let inputCount: Int
    /// The perceptrons, in an order in which each reads only signals before its own.
    public let units: [Unit]
    /// The signals that are the network's outputs.
    public let outputSignals: [Int]

    /// Makes a network of these units.
    ///
    /// - Parameters:
    ///   - inputCount: The number of inputs.
    ///   - units: Each reads only inputs and units before it, so there are no loops.
    ///   - outputSignals: The signals that are its outputs.
    /// - Throws: ``LockstepError`` of the kind `configuration` if a unit reads a signal that does not exist yet, or has
    ///   more or fewer weights than inputs.
    public init(inputCount: Int, units: [Unit], outputSignals: [Int]) throws(LockstepError) {
        for (index, unit) in units.enumerated() {
            let known = 0..<inputCount + index
            guard unit.sources.count == unit.perceptron.weights.count else {
                throw LockstepError(
                    .configuration,
                    "unit \(index) has \(unit.perceptron.weights.count) weights for \(unit.sources.count) inputs")
            }
            guard unit.sources.allSatisfy(known.contains) else {
                throw LockstepError(
                    .configuration, "unit \(index) reads a signal that is not among the \(known.count) before it")
            }
        }
        guard outputSignals.allSatisfy((0..<inputCount + units.count).contains) else {
            throw LockstepError(.configuration, "an output is none of the \(inputCount + units.count) signals")
        }
        self.inputCount = inputCount
        self.units = units
        self.outputSignals = outputSignals
    }

    /// Adds two bits with NAND gates alone; its outputs are the sum modulo 2 and the carry.
    public static let halfAdder = PerceptronNetwork(
        inputCount: 2,
        nandsOf: [(0, 1), (0, 2), (1, 2), (3, 4), (2, 2)], outputSignals: [5, 6])

    /// A circuit of NAND gates, each reading two signals.
    private init(inputCount: Int, nandsOf pairs: [(Int, Int)], outputSignals: [Int]) {
        self.inputCount = inputCount
        self.units = pairs.map { Unit(.nand, from: [$0.0, $0.1]) }
        self.outputSignals = outputSignals
    }

    /// Runs the network.
    ///
    /// - Parameters:
    ///   - inputs: [inputCount].
    ///   - activation: The function of every unit.
    /// - Returns: The outputs, [outputSignals.count].
    public func outputs(_ inputs: [Double], activation: NeuronActivation = .step) -> [Double] {
        let signals = signals(inputs, activation: activation)
        return outputSignals.map { signals[$0] }
    }

    /// The weighted inputs of all units, in their order.
    public func weightedInputs(_ inputs: [Double], activation: NeuronActivation = .step) -> [Double] {
        let signals = signals(inputs, activation: activation)
        return units.map { unit in unit.perceptron.weightedInput(unit.sources.map { signals[$0] }) }
    }

    /// The network with all weights and biases multiplied by `factor`.
    public func scaled(by factor: Double) -> PerceptronNetwork {
        PerceptronNetwork(scaling: self, by: factor)
    }

    private init(scaling network: PerceptronNetwork, by factor: Double) {
        inputCount = network.inputCount
        units = network.units.map { Unit($0.perceptron.scaled(by: factor), from: $0.sources) }
        outputSignals = network.outputSignals
    }

    /// The network's inputs, then each unit's output.
    private func signals(_ inputs: [Double], activation: NeuronActivation) -> [Double] {
        precondition(inputs.count == inputCount, "\(inputs.count) inputs for a network that takes \(inputCount)")
        var signals = inputs
        for unit in units {
            signals.append(unit.perceptron.output(unit.sources.map { signals[$0] }, activation: activation))
        }
        return signals
    }
}
