import Foundation
import LockstepTesting
import Testing

/// From the file as scikit-learn ships it to a prediction with a class name, in two commands each.
@Suite(
    "Files of scikit-learn", .serialized, .oneAtATime,
    .enabled(if: OraclePython.has("sklearn"), "no scikit-learn: run scripts/test"))
struct ScikitLearnFileTests {
    /// Trains scikit-learn's network on the training samples that Lockstep has exported, and prints how good it is on the test
    /// samples: the part that is right, or R².
    private static let network = #"""
        import sys, warnings
        import numpy as np
        from sklearn.datasets import load_svmlight_file
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        warnings.filterwarnings("ignore")
        training, test, kind, size = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
        X, y = load_svmlight_file(training, n_features=size)
        Z, z = load_svmlight_file(test, n_features=size)
        make = MLPClassifier if kind == "classes" else MLPRegressor
        def network(seed):
            return make(hidden_layer_sizes=(16,), max_iter=400, alpha=1e-3, random_state=seed).fit(X.toarray(), y)
        scores = [network(seed).score(Z.toarray(), z) for seed in range(3)]
        print(np.mean(scores))
        """#

    private static let folder = #"""
        import os, sys, sklearn
        print(os.path.join(os.path.dirname(sklearn.__file__), "datasets", "data"))
        """#

    /// Makes the data of the cases that scikit-learn ships in two files or as arrays: an archive, and PNGs by class.
    private static let maker = #"""
        import os, sys
        import numpy as np
        from PIL import Image
        from sklearn import datasets
        target, case = sys.argv[1], sys.argv[2]
        if case == "diabetes":
            data = datasets.load_diabetes(scaled=False)
            np.savez(target, X=data.data, y=data.target, feature_names=np.array(data.feature_names))
        else:
            data = datasets.load_digits()
            names = "zero one two three four five six seven eight nine".split()
            for index, (image, label) in enumerate(zip(data.images, data.target)):
                os.makedirs(f"{target}/{names[label]}", exist_ok=True)
                Image.fromarray((image * 15.9375).astype("uint8")).save(f"{target}/{names[label]}/{index}.png")
        """#

    fileprivate struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// The file, `FOLDER` where scikit-learn keeps its own, or the program's argument that makes it.
        let file: String
        let data: String
        let sizes: String
        let epochs: Int
        /// What a prediction of a training sample contains.
        let names: [String]
        var learnsNumbers = false
        var testDescription: String { name }
    }

    fileprivate static let cases = [
        Case(
            name: "iris", file: "iris.csv", data: "csv: FILE, test: 50, validation: 10", sizes: "[4, 16, 3]",
            epochs: 150, names: ["setosa", "versicolor", "virginica"]),
        Case(
            name: "wine", file: "wine_data.csv", data: "csv: FILE, test: 59, validation: 10", sizes: "[13, 16, 3]",
            epochs: 100, names: ["class_0", "class_1", "class_2"]),
        Case(
            name: "breast-cancer", file: "breast_cancer.csv", data: "csv: FILE, test: 150, validation: 20",
            sizes: "[30, 16, 2]", epochs: 60, names: ["malignant", "benign"]),
        Case(
            name: "digits", file: "digits.csv.gz", data: "csv: FILE, test: 450, validation: 50", sizes: "[64, 16, 10]",
            epochs: 80, names: (0..<10).map(String.init)),
        Case(
            name: "diabetes", file: "made", data: "npz: FILE, target: y, test: 110, validation: 20",
            sizes: "[10, 16, 1]", epochs: 100, names: [], learnsNumbers: true),
        Case(
            name: "pictures", file: "made", data: "folder: FILE, test: 450, validation: 50", sizes: "[64, 16, 10]",
            epochs: 80,
            names: "zero one two three four five six seven eight nine".split(separator: " ").map(String.init)),
    ]

    @Test("lead to a prediction by name in two commands, as good as scikit-learn's network", arguments: cases)
    fileprivate func twoCommands(test: Case) throws {
        let folder = try TemporaryFolder()
        let file = try prepare(test, in: folder)
        let (right, total) = try (1...3).reduce((0.0, 0.0)) { sums, seed in
            let score = try train(test, file, seed: seed, in: folder)
            return (sums.0 + score, sums.1 + 1)
        }
        let ours = right / total
        let expected = try scikitLearn(test, in: folder)
        print("\(test.name): \(ours), scikit-learn \(expected)")
        #expect(ours >= expected - 0.02, "\(test.name): \(ours), scikit-learn \(expected)")
        guard test.name != "pictures" else {
            let picture = try #require(
                FileManager.default.contentsOfDirectory(atPath: file + "/seven").min().map { file + "/seven/" + $0 })
            let answer = try Program.run(["predict", folder("run-1"), picture], in: folder.path)
            #expect(answer.output.contains("seven"), "\(answer)")
            return
        }
        let answers = try Program.run(["predict", folder("run-1"), file], in: folder.path)
        #expect(answers.status == 0, "\(answers.errors)")
        let lines = answers.output.split(separator: "\n")
        #expect(lines.count >= 150)
        if test.learnsNumbers { return }
        #expect(lines.allSatisfy { line in test.names.contains { line.contains(": \($0)") } }, "\(lines.first ?? "")")
    }

    private func prepare(_ test: Case, in folder: TemporaryFolder) throws -> String {
        guard test.file == "made" else {
            let shipped = try OraclePython.run(Self.folder).trimmingCharacters(in: .whitespacesAndNewlines)
            return "\(shipped)/\(test.file)"
        }
        let path = folder(test.learnsNumbers ? "data.npz" : "data")
        _ = try OraclePython.run(Self.maker, [path, test.name])
        return path
    }

    /// Trains in one command; the part of the test samples that is right, or R².
    private func train(_ test: Case, _ file: String, seed: Int, in folder: TemporaryFolder) throws -> Double {
        let configuration = try folder.write(
            text: """
                name: \(test.name)
                data: { \(test.data.replacingOccurrences(of: "FILE", with: file)) }
                network: { sizes: \(test.sizes), activation: relu, initializer: he\(test.learnsNumbers ? ", output: linear" : "") }
                cost: \(test.learnsNumbers ? "quadratic" : "cross-entropy")
                training: { epochs: \(test.epochs), batch: 16, seed: \(seed) }
                optimizer: { adamw: { learning-rate: \(test.learnsNumbers ? "0.001" : "0.003"), weight-decay: 0.001 } }
                """, to: "run.yaml")
        let result = try Program.run(
            ["train", configuration, "--output", folder("run-\(seed)")], in: folder.path)
        try #require(result.status == 0, "\(result)")
        let score = try Program.run(
            ["evaluate", folder("run-\(seed)/model.safetensors"), "--data", folder("run-\(seed)/config.yaml")],
            in: folder.path)
        if test.learnsNumbers { return try #require(Double(score.output.split(separator: " ")[1]), "\(score)") }
        let counts = score.output.matches(of: #/(\d+) / (\d+)/#).first?.output
        let (right, total) = (Double(counts?.1 ?? ""), Double(counts?.2 ?? ""))
        return try #require(right) / #require(total)
    }

    private func scikitLearn(_ test: Case, in folder: TemporaryFolder) throws -> Double {
        var files: [String] = []
        for split in ["training", "test"] {
            let export = try Program.run(
                ["data", folder("run-1/config.yaml"), "--export", "libsvm", "--split", split], in: folder.path)
            try #require(export.status == 0, "\(export)")
            files.append(try folder.write(text: export.output, to: split + ".svm"))
        }
        let size = test.sizes.dropFirst().prefix { $0 != "," }
        let output = try OraclePython.run(
            Self.network, files + [test.learnsNumbers ? "numbers" : "classes", String(size)])
        return try #require(Double(output.trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
