import Foundation
import LockstepTesting
import Testing

@testable import LockstepArtifacts

@Suite(
    "TensorBoard's event files", .oneAtATime,
    .enabled(if: OraclePython.has("tensorboard"), "no tensorboard: run scripts/test"))
struct EventFileOracleTests {
    /// Loads the file as TensorBoard does, and compares it with the run's summary.
    private static let reader = """
        import glob, json, sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

        run = sys.argv[1]
        (path,) = glob.glob(run + "/events.out.tfevents.*")
        first = next(iter(EventFileLoader(path).Load()))
        assert first.file_version == "brain.Event:2", first
        events = EventAccumulator(run)
        events.Reload()
        summary = json.load(open(run + "/summary.json"))
        steps = summary["steps"] // len(summary["epochs"])
        expected = {
            "accuracy/test": [epoch["correct"] / epoch["total"] for epoch in summary["epochs"]],
            "cost/training": [epoch["training_cost"] for epoch in summary["epochs"]],
            "cost/test": [epoch["cost"] for epoch in summary["epochs"]],
            "accuracy/training": [epoch["training_correct"] / epoch["training_total"] for epoch in summary["epochs"]],
        }
        for tag, values in expected.items():
            found = events.Scalars(tag)
            assert [value.step for value in found] == [(index + 1) * steps for index in range(len(values))], found
            assert all(abs(value.value - x) < 1e-6 for value, x in zip(found, values)), (found, values)
        assert all(a.wall_time <= b.wall_time for a, b in zip(found, found[1:]))
        # Steps have a learning rate too, if training takes long enough to report one.
        rates = {value.step: value.value for value in events.Scalars("learning_rate")}
        for index, epoch in enumerate(summary["epochs"]):
            assert abs(rates[(index + 1) * steps] - epoch["learning_rate"]) < 1e-6, rates
        assert summary["epochs"][0]["learning_rate"] > summary["epochs"][2]["learning_rate"]
        print(len(found), *sorted(events.Tags()["scalars"]))
        """

    @Test("hold each epoch's accuracy and cost at its step, and the run has a page")
    func events() throws {
        let folder = try TemporaryFolder()
        let tiny = TinyDataset()
        try tiny.write(to: folder)
        try folder.write(text: tiny.configuration(epochs: 3), to: "tiny.yaml")
        let run = folder("run")
        let options = ["--set", "evaluation.training=1", "--set", "schedule={ step: { every: 1, factor: 0.5 } }"]
        let finished = try Program.run(["train", "tiny.yaml", "--output", run] + options, in: folder.path)
        #expect(finished.status == 0, "\(finished)")
        let scalars = try OraclePython.run(Self.reader, [run])
        #expect(scalars.hasPrefix("3 accuracy/test accuracy/training accuracy/validation cost/test "), "\(scalars)")
        let page = try text(of: run + "/report.html")
        #expect(page.contains("<svg") && page.contains("Membership") && page.contains("learning-rate"))
        #expect(!page.contains("http"))
    }

    /// Loads all files of a folder as one run, and the layout of the page "Custom Scalars".
    private static let continuation = """
        import sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.plugins.custom_scalar import layout_pb2

        events = EventAccumulator(sys.argv[1])
        events.Reload()
        print([(value.step, value.value) for value in events.Scalars("cost")])
        (layout,) = {bytes(e.tensor_proto.string_val[0]) for e in events.Tensors("custom_scalars__config__")}
        layout = layout_pb2.Layout.FromString(layout)
        print([(chart.title, list(chart.multiline.tag)) for chart in layout.category[0].chart])
        """

    @Test("of a resumed run continue its curves: what the run repeats replaces what it had written")
    func resumed() throws {
        let folder = try TemporaryFolder()
        let charts = [(title: "costs", tags: ["cost", "cost/test"])]
        let first = try TensorBoardFile(path: folder("events.out.tfevents.1.a"))
        try first.appendLayout(charts)
        for step in 1...6 { try first.append(step: step, [("cost", Double(step))]) }
        let second = try TensorBoardFile(path: folder("events.out.tfevents.2.a"))
        try second.appendStart(afterStep: 3)
        try second.appendLayout(charts)
        for step in 4...7 { try second.append(step: step, [("cost", Double(10 * step))]) }
        #expect(
            try OraclePython.run(Self.continuation, [folder.path]).split(separator: "\n").map(String.init) == [
                "[(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0), (5, 50.0), (6, 60.0), (7, 70.0)]",
                "[('costs', ['cost', 'cost/test'])]",
            ])
    }
}
