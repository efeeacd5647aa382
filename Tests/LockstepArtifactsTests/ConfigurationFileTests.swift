import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTesting
import LockstepTraining
import Testing

/// A configuration with the required keys only; line 4 is training.
let minimalConfiguration = """
    name: tiny
    data: { name: mnist }
    network: { sizes: [784, 30, 10] }
    training: { epochs: 30, batch: 10 }
    optimizer: { sgd: { learning-rate: 3.0 } }

    """

struct ConfigurationFileTests {
    private func load(_ text: String) throws -> RunConfiguration {
        try ConfigurationFile.parse(text: text, name: "x.yaml")
    }

    /// The minimal configuration with one line replaced, counted from 1.
    private func minimal(line: Int, _ replacement: String) -> String {
        var lines = minimalConfiguration.components(separatedBy: "\n")
        lines[line - 1] = replacement
        return lines.joined(separator: "\n")
    }

    @Test("Keys that are left out have their defaults")
    func defaults() throws {
        let run = try load(minimalConfiguration)
        #expect(run.name == "tiny")
        #expect(run.data == .named("mnist"))
        #expect(run.network == Architecture(sizes: [784, 30, 10]))
        #expect(run.network.activation == .sigmoid && run.network.initializer == .standardNormal)
        #expect(run.cost == .quadratic)
        #expect(run.training.epochs == 30 && run.training.batch == 10 && run.training.seed == 1)
        #expect(run.optimizer == .sgd(learningRate: 3))
        #expect(run.evaluation.every == 1)
        #expect(run.timeouts.start == 60 && run.timeouts.rejoin == 60)
        #expect(run.shards == nil && run.kernel == nil)
    }

    @Test("Every key reaches its value")
    func everyKey() throws {
        let run = try load(
            """
            %YAML 1.1
            ---
            name: "a name: with signs"
            data:
              images: &folder a/images.gz   # a comment
              labels: *folder
              test-images: 'it''s'
              test-labels: /abs/labels
              validation: 0
            network:
              sizes:
                - 4
                - 2
              activation: "sigmoid"
              initializer: standard-normal
            cost: quadratic
            training: { epochs: 0, batch: 1, seed: 18446744073709551615 }
            optimizer: { sgd: { learning-rate: 1e-3 } }
            evaluation: { every: 0 }
            timeouts: { start: 0.5, rejoin: 604800 }
            wire: bfloat16
            shards: 1024
            kernel: avx2
            """)
        let expected = RunConfiguration(
            name: "a name: with signs",
            data: .files(
                IDXFiles(
                    images: "a/images.gz", labels: "a/images.gz", testImages: "it's", testLabels: "/abs/labels",
                    validation: 0)),
            network: Architecture(sizes: [4, 2]), training: TrainingOptions(epochs: 0, batch: 1, seed: .max),
            optimizer: .sgd(learningRate: 0.001), evaluation: EvaluationOptions(every: 0),
            timeouts: TimeoutOptions(start: 0.5, rejoin: 604_800), communicationDataType: .bfloat16,
            shards: 1024, kernel: .avx2)
        #expect(run == expected)
    }

    @Test(
        "A kernel may be left to the run or be the portable one",
        arguments: [("auto", nil), ("portable", NumericKernel.portable), ("avx512", .avx512), ("~", nil)])
    func kernels(word: String, kernel: NumericKernel?) throws {
        #expect(try load(minimalConfiguration + "kernel: \(word)\n").kernel == kernel)
    }

    @Test(
        "Optimizers and schedules are read with their defaults",
        arguments: [
            ("sgd: { learning-rate: 3 }", OptimizerConfiguration.sgd(learningRate: 3)),
            (
                "sgd: { learning-rate: 1, momentum: 0.5, nesterov: true, weight-decay: 0.25 }",
                .sgd(learningRate: 1, momentum: 0.5, nesterov: true, weightDecay: 0.25)
            ),
            ("adamw: { learning-rate: 1 }", .adamW(learningRate: 1)),
            (
                "adamw: { learning-rate: 1, beta1: 0.5, beta2: 0.25, epsilon: 2, weight-decay: 0 }",
                .adamW(learningRate: 1, beta1: 0.5, beta2: 0.25, epsilon: 2, weightDecay: 0)
            ),
            ("rmsprop: { learning-rate: 1 }", .rmsProp(learningRate: 1)),
            (
                "rmsprop: { learning-rate: 1, alpha: 0.5, epsilon: 2, momentum: 0.25, weight-decay: 0.125 }",
                .rmsProp(learningRate: 1, alpha: 0.5, epsilon: 2, momentum: 0.25, weightDecay: 0.125)
            ),
        ])
    func optimizers(text: String, expected: OptimizerConfiguration) throws {
        let minimal = minimalConfiguration
        let run = try load(minimal.replacing("sgd: { learning-rate: 3.0 }", with: text))
        #expect(run.optimizer == expected)
    }

    @Test(
        "Schedules are read with their defaults",
        arguments: [
            ("constant", ScheduleConfiguration.constant), ("{ constant: }", .constant), ("", .constant),
            ("{ step: { every: 3, factor: 0.5 } }", .step(every: 3, factor: 0.5)),
            ("{ cosine: }", .cosine()), ("{ cosine: { warm-up: 0.1, final: 0.2 } }", .cosine(warmUp: 0.1, final: 0.2)),
            ("{ one-cycle: }", .oneCycle()), ("{ reduce-on-plateau: }", .reduceOnPlateau()),
            (
                "{ reduce-on-plateau: { factor: 0.5, patience: 3, minimum: 0.01 } }",
                .reduceOnPlateau(factor: 0.5, plateau: 3, minimum: 0.01)
            ),
            (
                "{ one-cycle: { warm-up: 0.1, initial: 0.2, final: 0.3 } }",
                .oneCycle(warmUp: 0.1, initial: 0.2, final: 0.3)
            ),
        ])
    func schedules(text: String, expected: ScheduleConfiguration) throws {
        #expect(try load(minimalConfiguration + "schedule: \(text)\n").schedule == expected)
    }

    @Test(
        "The output is the cost's customary one unless it is named",
        arguments: [
            ("quadratic", nil, OutputActivation.sigmoid), ("cross-entropy", nil, .softmax),
            ("cross-entropy", "sigmoid", .sigmoid), ("cross-entropy", "softmax", .softmax),
            ("quadratic", "sigmoid", .sigmoid),
        ] as [(String, String?, OutputActivation)])
    func outputs(cost: String, output: String?, expected: OutputActivation) throws {
        let named = output.map { ", output: \($0)" } ?? ""
        let text = minimalConfiguration.replacing("sizes: [784, 30, 10]", with: "sizes: [784, 10]\(named)")
        let run = try load(text + "cost: \(cost)\n")
        #expect(run.network.output == expected)
        #expect(run.network.sizes == [784, 10])
    }

    @Test("Regularization and augmentation are read with their defaults")
    func regularization() throws {
        let text =
            minimalConfiguration + """
                cost: cross-entropy
                regularization: { dropout: 0.5, input-dropout: 0.25, label-smoothing: 0.1, average: 0.75 }
                augmentation: { shift: 1, rotation: 2, scale: 0.5, shear: 0.25, elastic: 4, smoothness: 5 }

                """
        let run = try load(text)
        #expect(
            run.regularization
                == RegularizationOptions(dropout: 0.5, inputDropout: 0.25, labelSmoothing: 0.1, emaDecay: 0.75))
        #expect(
            run.augmentation
                == AugmentationOptions(shift: 1, rotation: 2, scale: 0.5, shear: 0.25, elastic: 4, smoothness: 5))
        let plain = try load(minimalConfiguration)
        #expect(plain.regularization == RegularizationOptions())
        #expect(plain.augmentation == AugmentationOptions() && !plain.augmentation.isActive)
    }

    @Test("A key without a value is the same as no key")
    func emptyValues() throws {
        let text = minimalConfiguration + "shards:\ncost: null\nevaluation: { every: ~ }\ntimeouts:\n"
        #expect(try load(text) == load(minimalConfiguration))
    }

    @Test(
        "A faulty line is named with the reason and the remedy",
        arguments: [
            (
                5, "optimizer: { sgd: { learning_rate: 3 } }",
                "x.yaml:5: unknown key 'learning_rate' in optimizer.sgd; did you mean 'learning-rate'?"
            ),
            (
                5, "optimizer: { adam: { learning-rate: 3 } }",
                "x.yaml:5: unknown key 'adam' in optimizer; did you mean 'adamw'?"
            ),
            (
                3, "network: { sizes: [784, 10], output: softmax }",
                "x.yaml:3: network.output is softmax; it needs 'cost: cross-entropy'"
            ),
            (
                3, "network: { sizes: [784, 10] }\nregularization: { label-smoothing: 0.1 }",
                "x.yaml:4: regularization.label-smoothing is 0.1; it needs 'cost: cross-entropy'"
            ),
            (
                3, "network: { sizes: [784, 10] }\nregularization: { dropout: 1 }",
                "x.yaml:4: regularization.dropout is 1; it must be at least 0.0 and less than 1.0"
            ),
            (
                3, "network: { sizes: [784, 10] }\naugmentation: { smoothness: 0.5 }",
                "x.yaml:4: augmentation.smoothness is 0.5; it must be at least 1.0 and less than 1000.0"
            ),
            (
                3, "network: { sizes: [784, 10] }\naugmentation: { rotaton: 5 }",
                "x.yaml:4: unknown key 'rotaton' in augmentation; did you mean 'rotation'?"
            ),
            (
                5, "optimizer: { newton: { learning-rate: 3 } }",
                "x.yaml:5: unknown key 'newton' in optimizer; known are sgd, adamw, rmsprop"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3, momentum: 1 } }",
                "x.yaml:5: optimizer.sgd.momentum is 1; it must be at least 0.0 and less than 1.0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3, nesterov: true } }",
                "x.yaml:5: optimizer.sgd.nesterov is true; it needs a momentum: 'momentum: 0.9'"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3, momentum: 0.9, nesterov: yes } }",
                "x.yaml:5: optimizer.sgd.nesterov is yes; it must be true or false"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3 }, adamw: { learning-rate: 3 } }",
                "x.yaml:5: optimizer has both 'adamw' and 'sgd'; give one of them"
            ),
            (
                5, "optimizer: { adamw: { beta1: 0.5 } }",
                "x.yaml:5: optimizer.adamw.learning-rate is missing; add for example 'learning-rate: 0.001'"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3 } }\nschedule: { one-cycle: { warm-up: 1.5 } }",
                "x.yaml:6: schedule.one-cycle.warm-up is 1.5; it must be at least 0.0 and less than 1.0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3 } }\nschedule: { step: { every: 10 } }",
                "x.yaml:6: schedule.step.factor is missing; add for example 'factor: 0.1'"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3 } }\nschedule: linear",
                "x.yaml:6: schedule is linear, not a group of keys; its keys are constant, step, cosine, one-cycle, "
                    + "reduce-on-plateau"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 3 } }\nschedule: { reduce-on-plateau: { patience: 0 } }",
                "x.yaml:6: schedule.reduce-on-plateau.patience is 0; it must be from 1 to 1000000000"
            ),
            (
                5,
                "optimizer: { sgd: { learning-rate: 3 } }\nschedule: { reduce-on-plateau: }\nevaluation: { every: 0 }",
                "x.yaml:7: evaluation.every is 0; it must be at least 1: schedule.reduce-on-plateau follows evaluations"
            ),
            (
                4, "training: { epochs: 30, batch: 10, early-stopping: { patience: 3 } }\nevaluation: { every: 0 }",
                "x.yaml:5: evaluation.every is 0; it must be at least 1: training.early-stopping follows evaluations"
            ),
            (
                4, "training: { epochs: 30, batch: 10, clip-norm: 0 }",
                "x.yaml:4: training.clip-norm is 0; it must be finite and greater than 0"
            ),
            (
                4, "training: { epochs: 30, batch: 10, clip-norm: 1, clip-value: 2 }",
                "x.yaml:4: training.clip-value is 2; it must be left out beside 'clip-norm'"
            ),
            (
                4, "training: { epochs: 30, batch: 10, early-stopping: 3 }",
                "x.yaml:4: training.early-stopping is 3, not a group of keys; its keys are patience"
            ),
            (4, "trainig: { epochs: 30, batch: 10 }", "x.yaml:4: unknown key 'trainig'; did you mean 'training'?"),
            (1, "epochs: 30", "x.yaml:1: unknown key 'epochs'; it belongs in training"),
            (
                4, "training: { epochs: 30, batch: 10, shards: 2 }",
                "x.yaml:4: unknown key 'shards' in training; it belongs at the top level"
            ),
            (
                1, "<<: { name: x }",
                "x.yaml:1: unknown key '<<'; known are name, data, network, model, cost, targets, training, optimizer, "
                    + "schedule, regularization, augmentation, evaluation, checkpoint, timeouts, communication-dtype, "
                    + "shards, kernel"
            ),
            (
                4, "training: { epochs: 30, batch: 0 }",
                "x.yaml:4: training.batch is 0; it must be from 1 to 1000000000"
            ),
            (
                4, "training: { epochs: -1, batch: 1 }",
                "x.yaml:4: training.epochs is -1; it must be from 0 to 1000000000"
            ),
            (
                4, "training: { epochs: 99999999999999999999, batch: 1 }",
                "x.yaml:4: training.epochs is 99999999999999999999; it must be from 0 to 1000000000"
            ),
            (
                4, "training: { epochs: 3, batch: 10, seed: -1 }",
                "x.yaml:4: training.seed is -1; it must be from 0 to 18446744073709551615"
            ),
            (
                4, "training: { epochs: 3, batch: 10, seed: 18446744073709551616 }",
                "x.yaml:4: training.seed is 18446744073709551616; it must be from 0 to 18446744073709551615"
            ),
            (
                4, "training: { epochs: 3, batch: 10, seed: 1.5 }",
                "x.yaml:4: training.seed is 1.5; it must be a whole number"
            ),
            (4, "training: { epochs: ten, batch: 1 }", "x.yaml:4: training.epochs is ten; it must be a whole number"),
            (
                4, "training: { epochs: '3', batch: 1 }",
                "x.yaml:4: training.epochs is the text '3'; it must be a whole number"
            ),
            (
                4, "training: { epochs: [3], batch: 1 }",
                "x.yaml:4: training.epochs is a list; it must be a whole number"
            ),
            (4, "training: { epochs: 3 }", "x.yaml:4: training.batch is missing; add for example 'batch: 10'"),
            (4, "training: { epochs: , batch: 1 }", "x.yaml:4: training.epochs is empty; add for example 'epochs: 30'"),
            (
                4, "training: 3",
                "x.yaml:4: training is 3, not a group of keys; its keys are epochs, batch, seed, early-stopping, "
                    + "clip-norm, clip-value"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 0 } }",
                "x.yaml:5: optimizer.sgd.learning-rate is 0; it must be finite and greater than 0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: -.inf } }",
                "x.yaml:5: optimizer.sgd.learning-rate is -.inf; it must be finite and greater than 0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: .nan } }",
                "x.yaml:5: optimizer.sgd.learning-rate is .nan; it must be finite and greater than 0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 1e999 } }",
                "x.yaml:5: optimizer.sgd.learning-rate is 1e999; it must be finite and greater than 0"
            ),
            (
                5, "optimizer: { sgd: { learning-rate: 0x3 } }",
                "x.yaml:5: optimizer.sgd.learning-rate is 0x3; it must be a number"
            ),
            (5, "optimizer: {}", "x.yaml:5: optimizer is empty; add for example 'sgd: { learning-rate: 3.0 }'"),
            (
                3, "network: { sizes: [784] }",
                "x.yaml:3: network.sizes must have 2 to 256 numbers: [784, 30, 10]"
            ),
            (
                3, "network: { sizes: [] }",
                "x.yaml:3: network.sizes must have 2 to 256 numbers: [784, 30, 10]"
            ),
            (
                3, "network: { sizes: [784, 0, 10] }",
                "x.yaml:3: network.sizes[1] is 0; it must be from 1 to 1048576"
            ),
            (3, "network: { sizes: [784, x, 10] }", "x.yaml:3: network.sizes[1] is x; it must be a whole number"),
            (3, "network: { sizes: 784 }", "x.yaml:3: network.sizes is 784; it must be a list of whole numbers"),
            (
                3, "network: { sizes: [1048576, 1048576] }",
                "x.yaml:3: network.sizes must give at most 2147483648 bytes of weights and biases: use smaller layers"
            ),
            (
                3, "network: { sizes: [2, 1], activation: sigmoit }",
                "x.yaml:3: unknown network.activation 'sigmoit'; did you mean 'sigmoid'?"
            ),
            (
                3, "network: { sizes: [2, 1], initializer: zeros }",
                "x.yaml:3: unknown network.initializer 'zeros'; known are standard-normal, scaled-normal, xavier, he"
            ),
            (
                2, "data: {}",
                "x.yaml:2: data is empty; add a 'name', a 'pickle', a 'csv', a 'npz', a 'npy', a 'folder', or 'images', 'labels', 'test-images' "
                    + "and 'test-labels'"
            ),
            (
                2, "data: { name: mnist, images: x }",
                "x.yaml:2: data has both 'name' and 'images'; give a data set's name or files, not both"
            ),
            (
                2, "data: { images: x, labels: y, test-images: z }",
                "x.yaml:2: data.test-labels is missing; add for example 'test-labels: digits/test-labels.gz'"
            ),
            (
                2, "data: { pickle: x, name: mnist }",
                "x.yaml:2: data has both 'name' and 'pickle'; give a data set's name or files, not both"
            ),
            (
                2, "data: { pickle: x, validation: 5 }",
                "x.yaml:2: data has both 'pickle' and 'validation'; give the pickle alone: it holds all splits"
            ),
            (
                2, "data: { csv: x, labels: y }",
                "x.yaml:2: data has both 'csv' and 'labels'; give 'csv' and, with it, test-csv, label, target, ignore, categories, scale, shuffle, test, "
                    + "validation"
            ),
            (
                2, "data: { images: x, labels: y, label: z }",
                "x.yaml:2: data has both 'images' and 'label'; give images, labels, test-images, test-labels, validation"
            ),
            (2, "data: { label: last }", "x.yaml:2: data.csv is missing; add for example 'csv: flowers.csv'"),
            (
                2, "data: { csv: x, label: 0 }",
                "x.yaml:2: data.label is 0; it must be first, last, a column's number from 1, or its name"
            ),
            (
                2, "data: { csv: x, scale: 0 }",
                "x.yaml:2: data.scale is 0; it must be finite and greater than 0"
            ),
            (
                2, "data: { csv: x, test-csv: y, test: 5 }",
                "x.yaml:2: data.test is 5; it must be left out beside 'test-csv', which holds the test samples"
            ),
            (
                2, "data: mnist",
                "x.yaml:2: data is mnist, not a group of keys; its keys are name, pickle, csv, test-csv, label, "
                    + "ignore, categories, npz, target, npy, npy-labels, test-npy, test-npy-labels, learns-numbers, scale, "
                    + "shuffle, folder, size, channels, test, split-seed, images, labels, test-images, test-labels, "
                    + "validation, training"
            ),
            (1, "", "x.yaml:2: name is missing; add for example 'name: mnist-30'"),
            (1, "name: ''", "x.yaml:1: name is the text ''; it must be a text of at least one character"),
            (
                1, #"name: "two\nlines""#,
                #"x.yaml:1: name is the text 'two\nlines'; it must be one line of at most 200 printable characters"#
            ),
            (
                1, #"name: "right\u202Eleft""#,
                #"x.yaml:1: name is the text 'right\u{202E}left'; it must be one line of at most 200 printable characters"#
            ),
            (1, #"name: "nul\0""#, #"x.yaml:1: name is the text 'nul\0'; it must be a text of at least one character"#),
            (6, "shards: 0", "x.yaml:6: shards is 0; it must be from 1 to 1024"),
            (6, "shards: 1025", "x.yaml:6: shards is 1025; it must be from 1 to 1024"),
            (6, "evaluation: { every: -1 }", "x.yaml:6: evaluation.every is -1; it must be from 0 to 1000000000"),
            (6, "timeouts: { rejoin: 0 }", "x.yaml:6: timeouts.rejoin is 0; it must be finite and greater than 0"),
            (6, "timeouts: { start: 1e9 }", "x.yaml:6: timeouts.start is 1e9; it must be at most 604800.0"),
            (6, "kernel: avx3", "x.yaml:6: unknown kernel 'avx3'; did you mean 'avx2'?"),
            (
                6, "kernel: haswell",
                "x.yaml:6: kernel is haswell; it must be one of auto, portable, avx2, avx512: haswell belongs to an "
                    + "earlier version, whose results have other bits; start the run anew"
            ),
            (6, "cost: hinge", "x.yaml:6: unknown cost 'hinge'; known are quadratic, cross-entropy"),
            (
                6, "name: again",
                "x.yaml:1: key 'name' is given more than once, here for the first time; keep one of them"
            ),
            (6, "[a]: 1", "x.yaml:6: a key must be a word"),
        ])
    func faultyLine(line: Int, replacement: String, expected: String) {
        #expect(message { try load(minimal(line: line, replacement)) } == expected)
    }

    @Test(
        "A faulty layer is named by its place in the list",
        arguments: [
            ("relu, { relu: 3 }", "x.yaml:3: network.layers[1].relu is 3; it must be left out"),
            (
                "{ conv: 4 }",
                "x.yaml:3: network.layers[0].conv is 4; it must be a group of keys, as in { filters: 32, size: 3 }"
            ),
            ("{ flatten: 3 }", "x.yaml:3: network.layers[0].flatten is 3; it must be left out"),
            ("rely", "x.yaml:3: unknown network.layers[0] 'rely'; did you mean 'relu'?"),
            (
                "flatten, { dense: { neuron: 10 } }",
                "x.yaml:3: unknown key 'neuron' in network.layers[1].dense; did you mean 'neurons'?"
            ),
            (
                "",
                "x.yaml:3: network.input needs network.layers with at least one layer, as in "
                    + "'layers: [flatten, { dense: 10 }]'"
            ),
            (
                "flatten, { dense: { neuron: 10, ab: 1 } }",
                "x.yaml:3: unknown key 'neuron' in network.layers[1].dense; did you mean 'neurons'?"
            ),
            (
                "flatten, { dense: { momentum: 1 } }",
                "x.yaml:3: unknown key 'momentum' in network.layers[1].dense; only neurons is known"
            ),
            (
                "{ conv: { filters: 4, size: [3, 14] } }, flatten, { dense: 10 }",
                "x.yaml:3: network.layers[0]: conv has filters of 14 columns, and the compute library computes at most 13: "
                    + "give a size of at most 13, or a second layer of small filters, which sees as much of the image"
            ),
            (
                "{ conv: { filters: 4, size: 3 } }, { group-norm: 3 }, flatten, { dense: 10 }",
                "x.yaml:3: network.layers[1]: group-norm has 3 groups, which do not divide the 4 channels before it: give "
                    + "a number that does, such as 2"
            ),
            (
                "{ conv: { filters: 1000, size: 1, padding: 5000 } }, flatten, { dense: 10 }",
                "x.yaml:3: network.layers[0].conv.padding is 5000; it must be from 0 to 1024"
            ),
            (
                "{ conv: { filters: 2000, size: 1 } }, flatten, { dense: 10 }",
                "x.yaml:3: network.layers[0]: conv has 1568000 values for a sample, and at most 1048576 are allowed: give "
                    + "fewer filters, or a larger stride"
            ),
            (
                "{ conv: { filters: 4, size: 3 } }",
                "x.yaml:3: network.layers end with an image of shape [4, 26, 26]; add 'flatten' and a dense layer, or "
                    + "'global-average-pool'"
            ),
            (
                "flatten, { dense: 10 }, relu",
                "x.yaml:3: network.layers[2]: relu is the last layer and is followed by the network's output function, "
                    + "which is sigmoid; remove it"
            ),
            (
                "flatten, { dense: 10 }, relu, { dropout: 0.5 }",
                "x.yaml:3: network.layers[3]: dropout is the last layer and would drop outputs of the network; put it "
                    + "before the last layer with neurons, or remove it"
            ),
        ])
    func faultyLayers(layers: String, expected: String) {
        #expect(
            message { try load(minimal(line: 3, "network: { input: [1, 28, 28], layers: [\(layers)] }")) } == expected)
    }

    @Test("A layer that does not fit the others is named by its own line")
    func placeOfLayer() {
        let network = """
            network:
              input: [1, 28, 28]
              layers:
                - { conv: { filters: 4, size: 3 } }
                - flatten
                - { max-pool: 2 }
                - { dense: 10 }
            """
        #expect(
            message { try load(minimal(line: 3, network)) }
                == "x.yaml:8: network.layers[2]: max-pool reads an image, not a list of values; give network.input as "
                + "channels, rows and columns, and no 'flatten' before it")
    }

    @Test("With softmax, an activation at the end is refused too, and one before pooling is not")
    func activationAtTheEnd() throws {
        func layered(_ layers: String) throws -> RunConfiguration {
            let network = "network: { input: [1, 28, 28], layers: [\(layers)], output: softmax }"
            return try load(minimal(line: 3, "cost: cross-entropy\n\(network)"))
        }
        #expect(
            message { try layered("flatten, { dense: 10 }, tanh") }
                == "x.yaml:4: network.layers[2]: tanh is the last layer and is followed by the network's output function, "
                + "which is softmax; remove it")
        let pooled = try layered("{ conv: { filters: 10, size: 3 } }, relu, global-average-pool")
        #expect(pooled.network.layers.count == 3)
    }

    @Test("What is missing beside network.input is the layers")
    func missingLayers() {
        #expect(
            message { try load(minimal(line: 3, "network: { input: [1, 28, 28] }")) }
                == "x.yaml:3: network.layers is missing; add for example 'layers: [flatten, { dense: 10 }]'")
        #expect(
            message { try load(minimal(line: 3, "network: { activation: relu }")) }
                == "x.yaml:3: network.sizes is missing; add for example 'sizes: [784, 30, 10]'")
        #expect(
            message { try load(minimal(line: 3, "network: { layers: [flatten, { dense: 10 }] }")) }
                == "x.yaml:3: network.layers needs network.input, as in 'input: [1, 28, 28]'")
    }

    @Test("An activation may be written as a word, or as a group without settings")
    func activations() throws {
        let layers = try ["relu", "{ relu: }", "{ relu: {} }"].map { activation in
            try load(
                minimal(line: 3, "network: { input: [784], layers: [{ dense: 9 }, \(activation), { dense: 10 }] }")
            )
            .network.layers
        }
        #expect(layers[0] == layers[1] && layers[0] == layers[2] && layers[0].count == 3)
    }

    @Test(
        "Text that is no configuration is refused",
        arguments: [
            ("", "x.yaml: the configuration is empty; start from one of the files in config/"),
            ("# nothing but a comment\n", "x.yaml: the configuration is empty; start from one of the files in config/"),
            ("~", "x.yaml: the configuration is empty; start from one of the files in config/"),
            (
                "- a\n- b\n",
                "x.yaml:1: the configuration is a list, not a group of keys; its keys are name, data, network, model, "
                    + "cost, targets, training, optimizer, schedule, regularization, augmentation, evaluation, checkpoint, "
                    + "timeouts, communication-dtype, "
                    + "shards, kernel"
            ),
            (
                "name: [1, 2\ndata: x\n",
                "x.yaml:2: not valid YAML: while parsing a flow sequence (line 1), did not find expected ',' or ']'; "
                    + "check quotes, brackets and indentation here and on the line above"
            ),
            (
                "name: x\n\tdata: y\n",
                "x.yaml:2: not valid YAML: while scanning a plain scalar (line 1), found a tab character that violates "
                    + "indentation; check quotes, brackets and indentation here and on the line above"
            ),
            (
                "name: *nowhere\n",
                "x.yaml:1: not valid YAML: found undefined alias; check quotes, brackets and indentation here and on "
                    + "the line above"
            ),
            (
                "name: x\n---\nname: y\n",
                "x.yaml:2: not valid YAML: but found another document; check quotes, brackets and indentation here "
                    + "and on the line above"
            ),
            (
                "name: x\nba\u{1}d: y\n",
                "x.yaml:2: not valid YAML: control characters are not allowed; check quotes, brackets and indentation "
                    + "here and on the line above"
            ),
        ])
    func noConfiguration(text: String, expected: String) {
        #expect(message { try load(text) } == expected)
    }
}
