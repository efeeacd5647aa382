import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTesting
import LockstepText
import LockstepTraining
import Testing

struct ConfigurationYAMLTests {
    @Test("The text names every key")
    func text() {
        var run = textbook
        run.shards = 2
        run.kernel = .avx2
        #expect(
            ConfigurationFile.yaml(of: run) == """
                name: mnist-30
                data:
                  name: mnist
                network:
                  sizes: [784, 30, 10]
                  activation: sigmoid
                  output: sigmoid
                  initializer: standard-normal
                cost: quadratic
                training:
                  epochs: 30
                  batch: 10
                  seed: 1
                optimizer:
                  sgd:
                    learning-rate: 3.0
                    momentum: 0.0
                    nesterov: false
                    weight-decay: 0.0
                schedule: constant
                regularization:
                  dropout: 0.0
                  input-dropout: 0.0
                  label-smoothing: 0.0
                  ema-decay: 0.0
                augmentation:
                  shift: 0.0
                  rotation: 0.0
                  scale: 0.0
                  shear: 0.0
                  elastic: 0.0
                  smoothness: 7.0
                evaluation:
                  every: 1
                  training: 0
                checkpoint:
                  every: 30.0
                timeouts:
                  start: 60.0
                  rejoin: 60.0
                communication-dtype: float32
                shards: 2
                kernel: avx2

                """)
    }

    @Test(
        "Names that YAML could take for something else survive",
        arguments: [
            "null", "No", "123", "1e3", "- x", "a: b", "a #b", "*x", "&x", "!x", "%x", "@x", "`x", "'", "\"", "\\",
            "{}", "[", " x ", ".nan", "~", "=", "<<", "ünï çødé", "日本語", "😀", "\u{FFFE}", "a\u{2028}b",
        ])
    func awkwardNames(name: String) throws {
        var run = textbook
        // A file may have any name, a run only a printable one.
        if name.isPrintable { run.name = name }
        run.data = .named(name)
        let again = try ConfigurationFile.parse(text: ConfigurationFile.yaml(of: run), name: "x.yaml")
        #expect(again == run)
        let data = try #require(again.data.format as? NamedDataset)
        #expect(Array(data.datasetName.unicodeScalars) == Array(name.unicodeScalars))
    }

    @Test("Reading the text back gives an equal value", arguments: 1...5 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        for round in 0..<200 {
            let run = randomConfiguration(using: &random)
            let text = ConfigurationFile.yaml(of: run)
            #expect(try ConfigurationFile.parse(text: text, name: "x.yaml") == run, "seed \(seed), round \(round)")
        }
    }

    private func randomConfiguration(using random: inout SplitMix64) -> RunConfiguration {
        func text() -> String {
            var result = ""
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                // Tabs and newlines belong in no name, but a path may have them.
                let value = UInt32.random(in: 1...0x3000, using: &random)
                result.unicodeScalars.append(Unicode.Scalar(value) ?? "x")
            }
            return result
        }
        func name() -> String {
            String(String.UnicodeScalarView(text().unicodeScalars.filter(\.isPrintable)))
                + "x"
        }
        func data() -> DataSource {
            let count = Bool.random(using: &random) ? Int.random(in: 0...9_999, using: &random) : nil
            switch Int.random(in: 0..<4, using: &random) {
            case 0: return .named(text())
            case 1: return .pickle(text())
            case 2:
                let labels = [
                    LabelColumn.first, .last, .number(.random(in: 1...99, using: &random)), .named("x" + text()),
                ]
                let (testPath, scale) = (text(), Double.random(in: 1e-9...1e9, using: &random))
                return .table(
                    TableFiles(
                        path: text(), testPath: count == nil ? testPath : nil,
                        label: labels.randomElement(using: &random) ?? .last, scale: count == nil ? scale : nil,
                        validation: count, test: count))
            default:
                return .files(
                    IDXFiles(
                        images: text(), labels: text(), testImages: text(), testLabels: text(), validation: count))
            }
        }
        let layers = Int.random(in: 2...6, using: &random)
        var run = RunConfiguration(
            name: name(), data: data(),
            network: Architecture(sizes: (0..<layers).map { _ in Int.random(in: 1...5_000, using: &random) }),
            training: TrainingOptions(
                epochs: Int.random(in: 0...1_000_000_000, using: &random),
                batch: Int.random(in: 1...1_000_000_000, using: &random), seed: random.next()),
            optimizer: .sgd(learningRate: Double(bitPattern: random.next() >> 2).magnitude.nextUp))
        if Bool.random(using: &random) { run.data.training = .random(in: 1...9_999, using: &random) }
        if Bool.random(using: &random) {
            run.optimizer = .adamW(
                learningRate: .random(in: 1e-9...9, using: &random), beta1: .random(in: 0..<1, using: &random),
                beta2: .random(in: 0..<1, using: &random), epsilon: .random(in: 1e-20...1, using: &random),
                weightDecay: .random(in: 0..<1, using: &random))
        } else if Bool.random(using: &random) {
            run.optimizer = .rmsProp(
                learningRate: .random(in: 1e-9...9, using: &random), alpha: .random(in: 0..<1, using: &random),
                epsilon: .random(in: 1e-20...1, using: &random), momentum: .random(in: 0..<1, using: &random),
                weightDecay: .random(in: 0..<1, using: &random))
        } else if Bool.random(using: &random) {
            run.optimizer = .sgd(
                learningRate: .random(in: 1e-9...9, using: &random),
                momentum: .random(in: 1e-9..<1, using: &random), nesterov: .random(using: &random),
                weightDecay: .random(in: 0..<1, using: &random))
        }
        run.network.activation = Activation.allCases.randomElement(using: &random) ?? .relu
        run.network.initializer = Initializer.allCases.randomElement(using: &random) ?? .he
        run.cost = Cost.allCases.randomElement(using: &random) ?? .quadratic
        run.network.output =
            OutputActivation.allCases.filter(run.cost.accepts).randomElement(using: &random) ?? .sigmoid
        func share() -> Double { .random(in: 0..<1, using: &random) }
        run.regularization = RegularizationOptions(
            dropout: share(), inputDropout: share(), labelSmoothing: run.cost == .crossEntropy ? share() : 0,
            emaDecay: share())
        run.augmentation = AugmentationOptions(
            shift: share(), rotation: share(), scale: share(), shear: share(), elastic: share(),
            smoothness: 1 + share())
        run.schedule =
            [
                .constant,
                .step(every: .random(in: 1...99, using: &random), factor: .random(in: 0..<1, using: &random)),
                .reduceOnPlateau(
                    factor: .random(in: 0..<1, using: &random), plateau: .random(in: 1...99, using: &random),
                    minimum: .random(in: 0..<1, using: &random)),
                .cosine(warmUp: .random(in: 0..<1, using: &random), final: .random(in: 0..<1, using: &random)),
                .oneCycle(
                    warmUp: .random(in: 0..<1, using: &random), initial: .random(in: 0..<1, using: &random),
                    final: .random(in: 0..<1, using: &random)),
            ].randomElement(using: &random) ?? .constant
        if Bool.random(using: &random) { run.training.earlyStoppingPlateau = .random(in: 1...99, using: &random) }
        if Bool.random(using: &random) {
            run.training.clipNorm = .random(in: 1e-9...9, using: &random)
        } else if Bool.random(using: &random) {
            run.training.clipValue = .random(in: 1e-9...9, using: &random)
        }
        let isFollowed = run.schedule.followsValidation || run.training.earlyStoppingPlateau != nil
        run.evaluation.every = Int.random(in: (isFollowed ? 1 : 0)...9, using: &random)
        run.evaluation.training = Int.random(in: 0...99_999, using: &random)
        run.timeouts.start = Double.random(in: 0.001...604_800, using: &random)
        run.timeouts.rejoin = Double.random(in: 0.001...604_800, using: &random)
        run.shards = Bool.random(using: &random) ? Int.random(in: 1...1024, using: &random) : nil
        run.kernel = Bool.random(using: &random) ? NumericKernel.allCases.randomElement(using: &random) : nil
        return run
    }
}
