import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("Tables that numpy wrote", .enabled(if: OraclePython.has("numpy"), "no numpy: run scripts/test"))
struct TableOracleTests {
    /// Writes a table with the label in its first or last column to `argv[1]`, with the style `argv[2]`, and the bytes of
    /// all values and labels beside it.
    private static let writer = #"""
        import sys
        import numpy as np
        path, style = sys.argv[1:]
        rng = np.random.default_rng(7)
        labels = rng.integers(0, 10, 60)
        labels[:10] = range(10)
        # Of all sizes, as doubles: what is read is the nearest float32.
        values = rng.normal(size=(60, 40)) * 10.0 ** rng.integers(-20, 20, (60, 40))
        if style == "pixels":
            values = rng.integers(0, 256, (60, 40))
        if style == "savetxt":
            header = ",".join(["label", *map(str, range(40))])
            np.savetxt(path, np.column_stack([labels, values]), delimiter=",", header=header, comments="")
        elif style == "gzip":
            np.savetxt(path, np.column_stack([labels, values]), delimiter=",", fmt="%.9g")
        elif style == "repr":
            with open(path, "w") as file:
                for row, label in zip(values, labels):
                    file.write("\t".join([repr(float(value)) for value in row] + [str(label)]) + "\r\n")
        else:
            np.savetxt(path, np.column_stack([labels, values]), delimiter=",", fmt="%d")
        if style == "gzip":
            values = np.array([[float("%.9g" % value) for value in row] for row in values])
        with open(path + ".expected", "wb") as file:
            data = values.astype("u1" if style == "pixels" else "<f4").tobytes()
            file.write(data + bytes(-len(data) % 64) + labels.astype("<u2").tobytes())
        """#

    @Test("come back bit for bit", arguments: ["savetxt", "gzip", "repr", "pixels"])
    func roundTrip(style: String) throws {
        let folder = try TemporaryFolder()
        let path = folder(style == "gzip" ? "table.csv.gz" : "table.csv")
        _ = try OraclePython.run(Self.writer, [path, style])
        let files = TableFiles(
            path: path, label: style == "repr" ? .last : .first, scale: style == "pixels" ? nil : 1, shuffle: .never)
        let dataset = try DataSource.table(files).load(cache: DataCache(directory: folder.path))
        #expect(dataset.indices(of: .training) == 0..<40)
        #expect(dataset.indices(of: .test) == 50..<60)
        #expect(Data(dataset.bytes) == (try Data(contentsOf: URL(fileURLWithPath: path + ".expected"))))
    }
}
