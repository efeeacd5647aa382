import Foundation
import LockstepTesting
import Testing

@Suite(
    "TensorBoard's event files", .oneAtATime, .enabled(if: OraclePython.has("numpy"), "no numpy: run scripts/test"))
struct EventFileOracleTests {
    /// Reads the records by the format's description alone: lengths, checksums bit by bit, fields of the wire format.
    private static let reader = """
        import glob, json, struct, sys

        def crc32c(data):
            crc = 0xFFFFFFFF
            for byte in data:
                crc ^= byte
                for _ in range(8): crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
            return crc ^ 0xFFFFFFFF
        def masked(data):
            crc = crc32c(data)
            return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
        assert crc32c(b"123456789") == 0xE3069283

        def fields(data):
            at = 0
            def varint():
                nonlocal at
                value = shift = 0
                while True:
                    byte = data[at]; at += 1
                    value |= (byte & 127) << shift; shift += 7
                    if byte < 128: return value
            while at < len(data):
                key = varint()
                if key & 7 == 0: yield key >> 3, varint()
                elif key & 7 == 1: yield key >> 3, struct.unpack("<d", data[at:at + 8])[0]; at += 8
                elif key & 7 == 5: yield key >> 3, struct.unpack("<f", data[at:at + 4])[0]; at += 4
                else:
                    assert key & 7 == 2
                    n = varint(); yield key >> 3, data[at:at + n]; at += n

        (path,) = glob.glob(sys.argv[1] + "/events.out.tfevents.*")
        data, at, events = open(path, "rb").read(), 0, []
        while at < len(data):
            n, crc = struct.unpack("<QI", data[at:at + 12])
            assert crc == masked(data[at:at + 8])
            payload = data[at + 12:at + 12 + n]
            assert struct.unpack("<I", data[at + 12 + n:at + 16 + n])[0] == masked(payload)
            events.append(list(fields(payload)))
            at += 16 + n
        assert dict(events[0])[3] == b"brain.Event:2"
        scalars = {}
        for event in events[1:]:
            step = dict(event).get(2, 0)
            for _, value in fields(dict(event).get(5, b"")):
                entry = dict(fields(value))
                scalars[f"{entry[1].decode()}@{step}"] = entry[2]
        summary = json.load(open(sys.argv[1] + "/summary.json"))
        steps = summary["steps"] // len(summary["epochs"])
        for epoch in summary["epochs"]:
            step = (epoch["epoch"] + 1) * steps
            assert abs(scalars[f"accuracy/test@{step}"] - epoch["correct"] / epoch["total"]) < 1e-6
            assert abs(scalars[f"cost/training@{step}"] - epoch["training_cost"]) < 1e-6
        print(len(summary["epochs"]))
        """

    @Test("hold each epoch's accuracy and cost at its step, and the run has a page")
    func events() throws {
        let folder = try TemporaryFolder()
        let tiny = TinyDataset()
        try tiny.write(to: folder)
        try folder.write(text: tiny.configuration(epochs: 3), to: "tiny.yaml")
        let run = folder("run")
        let finished = try Program.run(["train", "tiny.yaml", "--output", run], in: folder.path)
        #expect(finished.status == 0, "\(finished)")
        #expect(try OraclePython.run(Self.reader, [run]) == "3\n")
        let page = try text(of: run + "/report.html")
        #expect(page.contains("<svg") && page.contains("Membership") && page.contains("learning-rate"))
        #expect(!page.contains("http"))
    }
}
