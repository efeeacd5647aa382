import Foundation
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepNumerics
import LockstepText
import LockstepTimeline

/// A program's own model in the form that training knows.
struct ModelAdapter<Base: TrainableModel>: LockstepModel.Model {
    let base: Base
    let reference: ProgramModel
    let layout: ParameterLayout
    let inputs: Int
    let outputs: Int
    let blockRows: Int
    let predictsNumbers: Bool

    /// Checks what the model says about itself.
    init(_ base: Base) throws(LockstepError) {
        let name = Base.modelName
        func invalid(_ text: String) -> LockstepError {
            LockstepError(.model, "model '\(name.printableName)': \(text)")
        }
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isAllowed) else {
            throw invalid(
                "its name has other characters than letters, digits, - and _, or more than 64; give it a modelName")
        }
        (inputs, outputs, blockRows) = (base.inputCount, base.outputCount, base.maximumBlockRows)
        predictsNumbers = base.learnsNumbers
        let sizes = 1...Architecture.maximumLayerSize
        guard sizes.contains(inputs), sizes.contains(outputs), (1...Self.maximumRows).contains(blockRows) else {
            throw invalid(
                "it has \(inputs) inputs, \(outputs) outputs and blocks of \(blockRows) samples; each is at least 1, at most "
                    + "\(sizes.upperBound), and blocks at most \(Self.maximumRows)")
        }
        layout = try Self.layout(of: base.parameters, invalid)
        let settings: String
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            settings = String(decoding: try encoder.encode(base), as: UTF8.self)
        } catch {
            throw invalid("its settings cannot be written as JSON: \(error)")
        }
        guard settings.utf8.count <= ProgramModel.maximumSettings / 2 else {
            throw invalid(
                "its settings take \(settings.utf8.count) bytes as JSON; keep data out of the model's properties")
        }
        self.base = base
        reference = ProgramModel(name: name, settings: settings)
    }

    private static var maximumRows: Int { 4_096 }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        let character = Character(UnicodeScalar(byte))
        return character.isASCII && (character.isLetter || character.isNumber || character == "-" || character == "_")
    }

    private static func layout(
        of tensors: [ParameterTensor], _ invalid: (String) -> LockstepError
    ) throws(LockstepError) -> ParameterLayout {
        guard !tensors.isEmpty else { throw invalid("it has no parameters") }
        let limit = Architecture.maximumParameterBytes / MemoryLayout<Float>.stride
        var (names, count) = (Set<String>(), 0)
        for tensor in tensors {
            guard !tensor.name.isEmpty, tensor.name.isPrintable, tensor.name != "__metadata__",
                names.insert(tensor.name).inserted
            else { throw invalid("two parameters are called '\(tensor.name.printableName)', or the name is none") }
            var size = 1
            for dimension in tensor.shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                guard dimension >= 1, !overflow, product <= limit else {
                    throw invalid("parameter '\(tensor.name)' has the impossible shape \(tensor.shape)")
                }
                size = product
            }
            count += size
            guard count <= limit else { throw invalid("its parameters take more than \(limit) numbers") }
        }
        return ParameterLayout([
            tensors.map { ParameterLayout.TensorShape(name: $0.name, shape: $0.shape, decays: $0.decays) }
        ])
    }

    /// Lets this process make the model from its name and settings.
    static func register() {
        ProgramModel.register(Base.modelName) { settings in
            try ModelAdapter(try JSONDecoder().decode(Base.self, from: Data(settings.utf8)))
        }
    }

    var answers: Int { outputs }

    /// Estimates: one product and one addition for each parameter, and twice as many in the backward pass.
    var flops: (forward: Int, gradient: Int) { (2 * layout.count, 6 * layout.count) }

    func workspaceBytes(rows: Int) -> Int { rows * (inputs + 2 * outputs + 8) * MemoryLayout<Float>.stride }

    func initialize(seed: UInt64, into parameters: FloatBuffer) {
        var span = MutableSpan(_unsafeStart: parameters.pointer, count: layout.count)
        base.initialize(&span, random: RandomNumbers(seed: seed))
        withExtendedLifetime(parameters) {}
    }

    func makeComputer(seed: UInt64, library: ComputeLibrary, maximumRows: Int) throws -> any ModelComputer {
        try AdaptedComputer(self, seed: seed, maximumRows: maximumRows)
    }

    /// What a run's configuration has as its network: the inputs and outputs.
    func architecture(for dataset: DatasetDescription) -> Architecture {
        Architecture(sizes: [inputs, outputs], output: dataset.hasTargets == true ? .linear : .sigmoid)
    }
}

/// One thread's workspace of a program's own model.
final class AdaptedComputer<Base: TrainableModel>: ModelComputer {
    private let model: ModelAdapter<Base>
    private let random: RandomNumbers
    let maximumRows: Int
    private let inputBuffer: FloatBuffer
    private let targetBuffer: FloatBuffer
    private let outputBuffer: FloatBuffer
    let labels: UnsafeMutablePointer<UInt16>
    let sampleIndices: UnsafeMutablePointer<UInt32>
    let byteRows: UnsafeMutablePointer<UnsafePointer<UInt8>?>
    var timeline: Timeline?
    private(set) var failure: ModelFailure?
    private var weights: UnsafePointer<Float>?
    private var workspace: Base.Workspace

    init(_ model: ModelAdapter<Base>, seed: UInt64, maximumRows: Int) throws {
        self.model = model
        self.random = RandomNumbers(seed: seed)
        self.maximumRows = maximumRows
        do {
            workspace = try model.base.makeWorkspace(rows: maximumRows)
        } catch {
            throw Self.failure(error)
        }
        inputBuffer = FloatBuffer(count: maximumRows * model.inputs)
        targetBuffer = FloatBuffer(count: maximumRows * model.outputs)
        outputBuffer = FloatBuffer(count: maximumRows * model.outputs)
        labels = .allocate(capacity: maximumRows)
        labels.initialize(repeating: 0, count: maximumRows)
        sampleIndices = .allocate(capacity: maximumRows)
        sampleIndices.initialize(repeating: 0, count: maximumRows)
        byteRows = .allocate(capacity: maximumRows)
        byteRows.initialize(repeating: nil, count: maximumRows)
    }

    deinit {
        labels.deallocate()
        sampleIndices.deallocate()
        byteRows.deallocate()
    }

    var inputs: UnsafeMutablePointer<Float> { inputBuffer.pointer }
    var targets: UnsafeMutablePointer<Float> { targetBuffer.pointer }

    func prepare(rows: Set<Int>) {}
    func prefersBytes(rows: Int) -> Bool { false }
    func load(weights: UnsafePointer<Float>) { self.weights = weights }

    func gradient(
        rows: Int, input: BlockInput, epoch: UInt32, into gradient: UnsafeMutablePointer<Float>, accumulating: Bool,
        segmentDone: (Int) throws -> Void
    ) rethrows -> Double {
        timeline?.enter(.backward)
        let count = model.layout.count
        if !accumulating { gradient.update(repeating: 0, count: count) }
        guard failure == nil, let weights else { return .nan }
        var sum = MutableSpan(_unsafeStart: gradient, count: count)
        let loss: Double
        do {
            loss = try withBlock(rows: rows, epoch: Int(epoch), isTraining: true) { block in
                try model.base.addGradient(
                    of: block, parameters: Span(_unsafeStart: weights, count: count), to: &sum, workspace: &workspace)
            }
        } catch {
            failure = Self.failure(error)
            return .nan
        }
        for segment in model.layout.segments.indices.reversed() { try segmentDone(segment) }
        return loss
    }

    func evaluate(
        rows: Int, input: BlockInput, predictions: UnsafeMutablePointer<Int>
    ) -> (correct: Int, lossSum: Double) {
        predictions.update(repeating: 0, count: rows)
        let scores = outputs(rows: rows)
        guard failure == nil else { return (0, .nan) }
        let span = Span(_unsafeStart: scores, count: rows * model.outputs)
        do {
            return try withBlock(rows: rows, epoch: 0, isTraining: false) { block in
                let lossSum = try model.base.loss(of: block, outputs: span)
                guard !model.predictsNumbers else { return (0, lossSum) }
                for row in 0..<rows { predictions[row] = model.base.largestOutput(ofRow: row, span) }
                let correct = try model.base.correctCount(of: block, outputs: span)
                return (min(max(0, correct), rows), lossSum)
            }
        } catch {
            failure = Self.failure(error)
            return (0, .nan)
        }
    }

    func outputs(rows: Int) -> UnsafePointer<Float> {
        timeline?.enter(.forward)
        let result = outputBuffer.pointer
        result.update(repeating: 0, count: rows * model.outputs)
        guard failure == nil, let weights else { return UnsafePointer(result) }
        var span = MutableSpan(_unsafeStart: result, count: rows * model.outputs)
        do {
            try withBlock(rows: rows, epoch: 0, isTraining: false) { block in
                try model.base.computeOutputs(
                    of: block, parameters: Span(_unsafeStart: weights, count: model.layout.count), into: &span,
                    workspace: &workspace)
            }
        } catch {
            failure = Self.failure(error)
        }
        return UnsafePointer(result)
    }

    private func withBlock<Result>(
        rows: Int, epoch: Int, isTraining: Bool, _ body: (SampleBlock) throws -> Result
    ) rethrows -> Result {
        try body(
            SampleBlock(
                rowCount: rows, inputs: Span(_unsafeStart: UnsafePointer(inputs), count: rows * model.inputs),
                labels: Span(_unsafeStart: UnsafePointer(labels), count: rows),
                targets: Span(_unsafeStart: UnsafePointer(targets), count: rows),
                sampleIndices: Span(_unsafeStart: UnsafePointer(sampleIndices), count: rows), epoch: epoch,
                isTraining: isTraining, random: random))
    }

    private static func failure(_ error: any Error) -> ModelFailure {
        ModelFailure(reason: "\(error)".printable(limit: 400))
    }
}
