import Foundation
import FoundationXML
import LockstepTesting
import LockstepText
import Testing

@testable import LockstepArtifacts

@Suite("The chart of a bench")
struct SpeedupChartTests {
    private let record = SpeedupRecord(
        name: "a <b> & c", batch: 256,
        settings: [
            SpeedupRecord.Setting(workers: 0, speedup: 1, bound: 1, efficiency: 1),
            SpeedupRecord.Setting(workers: 2, speedup: 1.5, bound: 2, efficiency: 0.75),
            SpeedupRecord.Setting(workers: 1, speedup: 0.9, bound: 1, efficiency: 0.9),
        ],
        predictions: [1, 2, 4].flatMap { workers in
            [nil, "1gbit,0.2ms"].map {
                SpeedupRecord.Prediction(
                    workers: workers, speedup: Double(workers) * 0.8, bound: Double(workers), link: $0)
            }
        })

    /// Elements of an XML document in their order, each with its attributes and its text.
    private final class Elements: NSObject, XMLParserDelegate {
        var all: [(name: String, attributes: [String: String], text: String)] = []
        private var isOpen = false

        static func of(_ text: String) -> Elements? {
            let elements = Elements()
            let parser = XMLParser(data: Data(text.utf8))
            parser.delegate = elements
            return parser.parse() ? elements : nil
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            all.append((name, attributes, ""))
        }

        func parser(_ parser: XMLParser, foundCharacters text: String) {
            if !all.isEmpty { all[all.count - 1].text += text }
        }

        func named(_ name: String) -> [(attributes: [String: String], text: String)] {
            all.filter { $0.name == name }.map { ($0.attributes, $0.text) }
        }
    }

    @Test("It is well-formed SVG with a line for the measurements and one for each prediction")
    func file() throws {
        let folder = try TemporaryFolder()
        try LineChart.write(record.charts, to: folder("speedup.svg"))
        let text = try String(contentsOfFile: folder("speedup.svg"), encoding: .utf8)
        let elements = try #require(Elements.of(text))
        #expect(elements.all.first?.name == "svg")
        #expect(elements.all.first?.attributes["xmlns"] == "http://www.w3.org/2000/svg")
        let words = elements.named("text").map { $0.text.trimmingCharacters(in: .whitespacesAndNewlines) }
        #expect(words.contains("a <b> & c, mini-batch 256: times as fast as one process"))
        for name in ["measured", "predicted", "predicted, 1gbit,0.2ms"] {
            #expect(words.filter { $0 == name }.count == 2, "\(name)")
        }
        // Two measured numbers of workers in each of the two charts; one process is the line at 1.
        #expect(elements.named("circle").count == 4)
        // Measured, two predictions, bound and one process; measured and two predictions. The prediction for four workers
        // lies beyond what was measured.
        let lines = elements.named("polyline").map { points($0.attributes["points"] ?? "") }
        #expect(lines.map(\.count) == [2, 2, 2, 2, 2, 2, 2, 2])
        // More workers are further right, and faster ones higher up.
        #expect(lines[0][0].x < lines[0][1].x && lines[0][0].y > lines[0][1].y)
        #expect(lines[4][0].y == lines[4][1].y)
        // Measured and predicted share their axes: 1.5 times lies between 0.8 and 1.6 times.
        #expect(lines[0][1].x == lines[1][1].x && lines[0][1].y > lines[1][1].y && lines[0][1].y < lines[1][0].y)
        #expect(elements.named("polyline").allSatisfy { !($0.attributes["points"] ?? "").contains("nan") })
    }

    @Test("No curve runs through the legend, and its names do not overlap")
    func legend() throws {
        let elements = try #require(Elements.of(LineChart.document(record.charts)))
        let names = ["measured", "predicted", "predicted, 1gbit,0.2ms", "bound of the plan", "one process"]
        var places: [String: (x: Double, y: Double)] = [:]
        for (attributes, text) in elements.named("text").reversed() {
            guard let x = Double(attributes["x"] ?? ""), let y = Double(attributes["y"] ?? "") else { continue }
            places[text.trimmingCharacters(in: .whitespacesAndNewlines)] = (x, y)
        }
        let top = try #require(
            elements.named("polyline").flatMap { points($0.attributes["points"] ?? "") }.map(\.y).min())
        for name in names {
            let place = try #require(places[name], "\(name)")
            #expect(place.y < top - 4, "\(name)")
            for other in names where other != name {
                let next = try #require(places[other])
                #expect(next.y != place.y || next.x < place.x || next.x > place.x + 6 * Double(name.count), "\(name)")
            }
            #expect(place.x + 6.6 * Double(name.count) < 640)
        }
    }

    private func points(_ text: String) -> [(x: Double, y: Double)] {
        text.split(separator: " ").compactMap { pair in
            let numbers = pair.split(separator: ",").compactMap { Double($0) }
            return numbers.count == 2 ? (numbers[0], numbers[1]) : nil
        }
    }

    @Test("A result in a run directory is read again; any other content is an error that names the file")
    func loading() throws {
        let folder = try TemporaryFolder()
        let directory = RunDirectory(existing: folder("."))
        #expect(try SpeedupRecord.load(directory) == nil)
        try folder.write(try JSONEncoder.sorted(inSnakeCase: true).encode(record), to: "bench.json")
        #expect(try SpeedupRecord.load(directory) == record)
        for text in ["", "[]", "{}", "{\"name\": 1}"] {
            try folder.write(text: text, to: "bench.json")
            let error = #expect(throws: ArtifactError.self) { try SpeedupRecord.load(directory) }
            #expect(error.map { "\($0)" }?.contains("bench.json") == true)
        }
    }
}
