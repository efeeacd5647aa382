import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining
import Testing

struct ConfigurationOverrideTests {
    private func load(_ overrides: String..., data: String = "{ name: mnist }") throws -> RunConfiguration {
        let text = """
            name: tiny
            data: \(data)
            network: { sizes: [784, 30, 10] }
            training: { epochs: 30, batch: 10, seed: 3 }
            optimizer: { sgd: { learning-rate: 3.0 } }
            """
        return try ConfigurationFile.parse(text: text, name: "x.yaml", overrides: overrides)
    }

    private static let files = "{ images: a, labels: b, test-images: c, test-labels: d, validation: 5 }"

    @Test("An override replaces, adds or removes a value")
    func values() throws {
        #expect(try load("network.sizes=[784, 100, 10]").network.sizes == [784, 100, 10])
        #expect(try load("network.sizes=[ 4,2 ]", "network.sizes=[5, 1]").network.sizes == [5, 1])
        #expect(try load("optimizer.sgd.learning-rate=1e-2").optimizer == .sgd(learningRate: 0.01))
        #expect(try load("evaluation.every=0").evaluation.every == 0)
        #expect(try load("training.seed=null").training.seed == 1)
        #expect(try load("training.seed=").training.seed == 1)
        #expect(try load("kernel=portable").kernel == .portable)
        #expect(try load(#"name="a=b""#).name == "a=b")
    }

    @Test("A whole section as a value replaces the section")
    func sections() throws {
        #expect(try load("training={epochs: 1, batch: 5}").training == TrainingOptions(epochs: 1, batch: 5, seed: 1))
        #expect(try load("data=\(Self.files)").data != .named("mnist"))
    }

    @Test("A key of one data format removes the keys of the others")
    func formsOfData() throws {
        let files = DataSource.files(IDXFiles(images: "a", labels: "b", testImages: "c", testLabels: "e"))
        #expect(
            try load("data.images=a", "data.labels=b", "data.test-images=c", "data.test-labels=e").data == files)
        #expect(try load("data.name=other", data: Self.files).data == .named("other"))
        #expect(try load("data.images=a", "data.name=other").data == .named("other"))
        #expect(try load("data.pickle=p", "data.name=other").data == .named("other"))
        #expect(try load("data.csv=t", data: "{ pickle: p }").data == .table(TableFiles(path: "t")))
        #expect(
            try load("data.csv=t", data: Self.files).data == .table(TableFiles(path: "t", validation: 5)),
            "both formats have the key")
        #expect(
            message { try load("data.images=a") }
                == "x.yaml:2: data.labels is missing; add for example 'labels: digits/labels.gz'")
        let changed = try #require(try load("data.images=z", data: Self.files).data.format as? IDXFiles)
        #expect(changed == IDXFiles(images: "z", labels: "b", testImages: "c", testLabels: "d", validation: 5))
    }

    @Test("The number of training samples goes with every format, and stays when the format changes")
    func trainingSamples() throws {
        var mnist = DataSource.named("mnist")
        mnist.training = 7
        #expect(try load("data.training=7").data == mnist)
        #expect(try load("data.name=mnist", "data.training=7", data: Self.files).data == mnist)
        #expect(try load("data.name=mnist", data: "{ training: 7, pickle: p }").data == mnist)
        #expect(try load("data.training=null", data: "{ name: mnist, training: 7 }").data == .named("mnist"))
        #expect(try load("data.training=7", data: Self.files).data.format is IDXFiles)
        #expect(
            message { try load(data: "{ training: 7 }") }
                == "x.yaml:2: data is empty; add a 'name', a 'pickle', a 'csv', a 'npz', a 'npy', a 'folder', or 'images', "
                + "'labels', 'test-images' and 'test-labels'")
        #expect(
            message { try load("data.training=0") }
                == "--set data.training=0: data.training is 0; it must be from 1 to 1000000000")
    }

    @Test(
        "A faulty override is named as it was typed",
        arguments: [
            (
                "training.batch",
                "--set training.batch: not of the form key=value; write for example --set training.batch=100"
            ),
            ("=3", "--set =3: not of the form key=value; write for example --set training.batch=100"),
            ("network.size=[1]", "--set network.size=[1]: unknown key 'size' in network; did you mean 'sizes'?"),
            ("netwrk.sizes=[1]", "--set netwrk.sizes=[1]: unknown key 'netwrk'; did you mean 'network'?"),
            ("epochs=3", "--set epochs=3: unknown key 'epochs'; it belongs in training"),
            ("cost.kind=3", "--set cost.kind=3: cost takes a value and has no keys of its own; write cost=VALUE"),
            (
                "network..sizes=3",
                "--set network..sizes=3: unknown key '' in network; known are sizes, activation, input, layers, output, initializer"
            ),
            (
                "network.sizes=[784, 0]",
                "--set network.sizes=[784, 0]: network.sizes[1] is 0; it must be from 1 to 1048576"
            ),
            (
                "network.sizes=[784, 10",
                "--set network.sizes=[784, 10: not valid YAML: while parsing a flow sequence (line 1), did not find "
                    + "expected ',' or ']'; check quotes, brackets and indentation here and on the line above"
            ),
            ("training.batch=0", "--set training.batch=0: training.batch is 0; it must be from 1 to 1000000000"),
            ("training.batch=", "--set training.batch=: training.batch is empty; add for example 'batch: 10'"),
            (
                "training=3",
                "--set training=3: training is 3, not a group of keys; its keys are epochs, batch, seed, early-stopping, "
                    + "clip-norm, clip-value"
            ),
            ("shards=two\nlines", #"--set shards=two\nlines: shards is two lines; it must be a whole number"#),
        ])
    func faults(assignment: String, expected: String) {
        #expect(message { try load(assignment) } == expected)
    }

    @Test("An override of a key in a value that is not a section names both places")
    func brokenSection() {
        let text = "name: x\ntraining: 5\n"
        #expect(
            message { try ConfigurationFile.parse(text: text, name: "x.yaml", overrides: ["training.batch=1"]) }
                == "x.yaml:2: training is 5, not a group of keys, so --set training.batch=1 has no place in it; "
                + "correct it first")
    }

    @Test("An error names an option as it was typed")
    func options() {
        let option = ConfigurationOverride(keyPath: "training.batch", value: "0", spelling: "--batch 0")
        let text = "name: x\ndata: { name: d }\nnetwork: { sizes: [2, 1] }\ntraining: { epochs: 1, batch: 1 }\n"
        #expect(
            message { try ConfigurationFile.parse(text: text, name: "x.yaml", options: [option]) }
                == "--batch 0: training.batch is 0; it must be from 1 to 1000000000")
    }

    @Test("Errors carry kind, place and key path")
    func fields() {
        #expect {
            try load("optimizer.sgd.learning-rat=1")
        } throws: { error in
            guard let error = error as? ConfigurationError else { return false }
            return error.kind == .unknownKey && error.keyPath == "optimizer.sgd.learning-rat"
                && error.place == .option("--set optimizer.sgd.learning-rat=1")
        }
    }
}
