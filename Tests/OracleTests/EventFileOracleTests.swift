import Foundation
import LockstepTesting
import Testing

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
}
