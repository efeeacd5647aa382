import Foundation
import LockstepArtifacts
import LockstepData
import LockstepTesting
import Testing

@Suite(
    "Tables of scikit-learn", .serialized, .oneAtATime,
    .enabled(if: OraclePython.has("sklearn"), "no scikit-learn: run scripts/test"))
struct ScikitLearnOracleTests {
    /// Writes a data set's training and test table to the folder `argv[1]`, with missing numbers and a column of texts if
    /// `argv[2]` asks for them. Prints what scikit-learn makes of both, and how many test samples its own network gets right.
    private static let program = #"""
        import json, sys, warnings
        import numpy as np
        from sklearn import datasets
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.model_selection import train_test_split
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler
        warnings.filterwarnings("ignore")
        folder, name, is_mixed = sys.argv[1], sys.argv[2], sys.argv[3] == "mixed"
        data = getattr(datasets, "load_" + name)()
        values = data.data.astype(np.float32).astype(object)
        texts = np.array(["low", "middle", "high"])[np.digitize(data.data[:, 0], np.quantile(data.data[:, 0], [0.3, 0.7]))]
        if is_mixed:
            values[np.random.default_rng(3).random(values.shape) < 0.1] = np.nan
            values = np.column_stack([values, texts.astype(object)])
        a, b, c, d = train_test_split(values, data.target, test_size=1 / 6, random_state=1, stratify=data.target)
        for file, rows, labels in (("training.csv", a, c), ("test.csv", b, d)):
            with open(f"{folder}/{file}", "w") as out:
                out.write(",".join([f"column {i}" for i in range(values.shape[1])] + ["class"]) + "\n")
                for row, label in zip(rows, labels):
                    fields = ["" if isinstance(x, float) and np.isnan(x) else str(x) for x in row]
                    out.write(",".join(fields + [str(data.target_names[label])]) + "\n")
        count = data.data.shape[1]
        numbers = make_pipeline(SimpleImputer(), StandardScaler())
        steps = [("numbers", numbers, list(range(count)))]
        if is_mixed:
            steps.append(("texts", OneHotEncoder(sparse_output=False), [count]))
        preparation = ColumnTransformer(steps)
        prepared = np.vstack([preparation.fit_transform(a), preparation.transform(b)]).astype(float)
        network = MLPClassifier((16,), max_iter=600, random_state=1).fit(prepared[: len(a)], c)
        names = sorted(range(len(data.target_names)), key=lambda i: str(data.target_names[i]).encode())
        print(json.dumps({
            "values": prepared.ravel().tolist(), "labels": [names.index(label) for label in [*c, *d]],
            "right": float(network.score(prepared[len(a):], d)), "inputs": prepared.shape[1],
            "classes": len(names)}))
        """#

    private struct Expected: Decodable {
        let values: [Double]
        let labels: [Int]
        let right: Double
        let inputs: Int
        let classes: Int
    }

    @Test(
        "are prepared as StandardScaler, SimpleImputer and OneHotEncoder prepare them, and whole ones learnt as well",
        arguments: ["iris", "wine", "breast_cancer", "digits"], ["numbers", "mixed"])
    func table(name: String, kind: String) throws {
        let folder = try TemporaryFolder()
        let output = try OraclePython.run(Self.program, [folder.path, name, kind])
        let expected = try JSONDecoder().decode(Expected.self, from: Data(output.utf8))
        let files = TableFiles(
            path: folder("training.csv"), testPath: folder("test.csv"), shuffle: .never, validation: 0)
        let dataset = try DataSource.table(files).load(cache: DataCache(directory: folder.path))
        let (count, size) = (dataset.layout.sampleCount, dataset.description.inputSize)
        try #require(size == expected.inputs && count == expected.labels.count)
        #expect((0..<count).map(dataset.label(of:)) == expected.labels)
        var values = [Float](repeating: 0, count: count * size)
        dataset.gather(0..<count, into: &values)
        let distance = zip(values, expected.values).map { abs(Double($0) - $1) / max(1, abs($1)) }.max() ?? .nan
        #expect(distance < 1e-5, "of numbers in float32")
        // Where a number in ten is missing, 25 flowers do not tell how well a network has learnt.
        guard kind == "numbers" else { return }

        try folder.write(
            text: """
                name: table
                data: { csv: training.csv, test-csv: test.csv, shuffle: false, validation: 0 }
                network: { sizes: [\(size), 16, \(expected.classes)], initializer: xavier }
                cost: cross-entropy
                training: { epochs: 60, batch: 10 }
                optimizer: { sgd: { learning-rate: 0.1 } }
                """, to: "table.yaml")
        let trained = try Program.run(["train", "table.yaml", "--output", "run"], in: folder.path)
        try #require(trained.status == 0, "\(trained)")
        let summary = try RunSummary.load(path: folder("run/summary.json"))
        let right = try Double(#require(summary.finalCorrect)) / Double(#require(summary.epochs.last?.total))
        #expect(right >= expected.right - 0.02, "\(right) and \(expected.right)")
    }
}
