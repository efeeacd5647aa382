import Foundation
import LockstepData
import LockstepTesting
import Testing

@Suite("Pickles that numpy wrote", .enabled(if: OraclePython.has("numpy"), "no numpy: run scripts/test"))
struct PickleOracleTests {
    /// Writes a pickle of random arrays with protocol `argv[2]` in the style of Python `argv[3]` to `argv[1]`, and the
    /// bytes of all features and labels beside it.
    private static let writer = #"""
        import gzip, io, pickle, struct, sys
        import numpy as np
        path, protocol, style = sys.argv[1], int(sys.argv[2]), sys.argv[3]

        class Python2(pickle._Pickler):
            """Writes strings and bytes as the str of Python 2, and numpy's module under its old name."""
            dispatch = dict(pickle._Pickler.dispatch)
            def save_str2(self, data):
                raw = data.encode("latin1") if isinstance(data, str) else data
                if not self.bin:
                    out = "".join(
                        chr(b) if 32 <= b < 127 and b not in (39, 92) else {9: "\\t", 10: "\\n", 13: "\\r"}.get(b)
                        or ("\\" + chr(b) if b in (39, 92) else "\\x%02x" % b) for b in raw)
                    self.write(b"S'" + out.encode() + b"'\n")
                elif len(raw) < 256:
                    self.write(b"U" + bytes([len(raw)]) + raw)
                else:
                    self.write(b"T" + struct.pack("<i", len(raw)) + raw)
                self.memoize(data)
            dispatch[str] = dispatch[bytes] = save_str2
            def save_global(self, obj, name=None):
                module = getattr(obj, "__module__", None) or "numpy"
                module = module.replace("numpy._core", "numpy.core")
                self.write(b"c" + module.encode() + b"\n" + (name or obj.__qualname__).encode() + b"\n")
                self.memoize(obj)
            dispatch[type(len)] = dispatch[type] = save_global
            dispatch[type(lambda: 0)] = save_global

        rng = np.random.default_rng(5)
        def pair(n):
            return ((rng.integers(0, 256, (n, 784)) / 256).astype("float32"), rng.integers(0, 10, n))
        data = (pair(50), pair(20), pair(10))
        target = io.BytesIO()
        (Python2(target, protocol) if style == "2" else pickle.Pickler(target, protocol)).dump(data)
        opener = gzip.open if path.endswith("gz") else open
        with opener(path, "wb") as file: file.write(target.getvalue())
        with open(path + ".expected", "wb") as file:
            for images, _ in data: file.write(images.astype("<f4").tobytes())
            for _, labels in data: file.write(labels.astype("<u2").tobytes())
        """#

    @Test(
        "come back bit for bit",
        arguments: [(0, "2"), (0, "3"), (1, "2"), (1, "3"), (2, "2"), (2, "3"), (3, "3"), (4, "3"), (5, "3")])
    func roundTrip(version: Int, style: String) throws {
        let folder = try TemporaryFolder()
        let path = folder(version == 1 ? "mnist.pkl" : "mnist.pkl.gz")
        _ = try OraclePython.run(Self.writer, [path, "\(version)", style])
        let dataset = try DataSource.pickle(path).load(cache: DataCache(directory: folder.path))
        #expect(dataset.description.trainingCount == 50)
        #expect(dataset.description.validationCount == 20)
        #expect(dataset.description.testCount == 10)
        #expect(dataset.layout.labelOffset == 80 * 784 * 4)
        #expect(Data(dataset.bytes) == (try Data(contentsOf: URL(fileURLWithPath: path + ".expected"))))
    }

    @Test("of a class that runs a program are refused, and nothing runs", arguments: [2, 3, 4, 5])
    func hostile(version: Int) throws {
        let folder = try TemporaryFolder()
        let path = folder("hostile.pkl")
        let mark = folder("executed")
        _ = try OraclePython.run(
            """
            import pickle, os, sys
            class Hostile:
                def __reduce__(self): return os.system, ("touch " + sys.argv[2],)
            open(sys.argv[1], "wb").write(pickle.dumps((Hostile(), 1, 2), int(sys.argv[3])))
            """, [path, mark, "\(version)"])
        let error = #expect(throws: DataError.self) {
            try DataSource.pickle(path).load(cache: DataCache(directory: folder.path))
        }
        guard case .forbiddenPickle = error?.reason else {
            Issue.record("refused for another reason: \(String(describing: error))")
            return
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
    }
}
