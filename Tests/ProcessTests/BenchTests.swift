import Foundation
import LockstepArtifacts
import LockstepTesting
import Testing

/// `lockstep bench`: its output and its files.
@Suite("Benches", .serialized, .oneAtATime)
struct BenchTests {
    private struct Document: Decodable {
        struct Setting: Decodable {
            struct Step: Decodable {
                var median: Double
                var count: Int
            }
            struct Process: Decodable {
                var name: String
                var phases: [String: Double]
            }
            var workers: Int
            var shards: Int
            var steps: Int
            var step: Step
            var speedup: Double
            var speedupInterval: [Double]
            var bound: Double
            var efficiency: Double
            var processes: [Process]
        }
        struct Prediction: Decodable {
            var workers: Int
            var step: Double
            var speedup: Double
            var link: String?
        }
        var name: String
        var batch: Int
        var cores: Int
        var peakFlopsPerSecond: Double
        var settings: [Setting]
        var predictions: [Prediction]
        struct Machine: Decodable {
            var threadShare: Double
            var isBusy: Bool
        }
        struct BreakEven: Decodable {
            var workers: Int
            var earliest: Int?
            var latest: Int?
        }
        var modelError: Double?
        var breakEven: [BreakEven]
        var machine: Machine
        var version: String
        var units: [String: String]
        var verdict: String
    }

    private func bench(_ place: Workplace, _ options: [String]) throws -> FinishedProcess {
        let process = try RunningProcess(
            ["bench", place.configuration, "--steps", "36"] + options, in: place.folder.path)
        let result = try process.wait()
        try #require(result.status == 0, "\(result)")
        #expect(process.orphans().isEmpty)
        return result
    }

    private func decode(_ text: String) throws -> Document {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Document.self, from: Data(text.utf8))
    }

    @Test("As JSON: every setting with its processes, and predictions for here and for a network")
    func json() throws {
        let place = try Workplace(batch: 50)
        let result = try decode(
            try bench(place, ["--workers", "1,2", "--link", "1gbit,0.2ms", "--batch", "100", "--json"]).output)
        #expect(result.name == "tiny" && result.batch == 100 && result.cores >= 1 && result.peakFlopsPerSecond > 1e8)
        #expect(result.settings.map(\.workers) == [0, 1, 2])
        #expect(result.settings.map(\.shards) == [1, 1, 2])
        for setting in result.settings {
            #expect(setting.steps == 36 && setting.step.count == 12 && setting.step.median > 0)
            #expect(abs(setting.speedup * setting.step.median / result.settings[0].step.median - 1) < 1e-9)
            #expect(setting.speedupInterval.count == 2 && setting.speedupInterval[0] <= setting.speedup)
            #expect(setting.speedupInterval[1] >= setting.speedup)
            #expect(setting.bound == Double(max(1, setting.workers)))
            #expect(abs(setting.efficiency * setting.bound - setting.speedup) < 1e-9)
            #expect(setting.processes.count == setting.workers + 1)
            // A process that computes spends time on both passes; the other processes spend none.
            for (index, process) in setting.processes.enumerated() {
                let computes = setting.workers == 0 || index > 0
                #expect((process.phases["forward"] ?? 0 > 0) == computes, "\(setting.workers) workers: \(process.name)")
                #expect((process.phases["backward"] ?? 0 > 0) == computes)
                #expect(process.phases.values.allSatisfy { $0 >= 0 })
            }
            #expect(setting.processes[0].phases["update"] ?? 0 > 0)
        }
        #expect(Set(result.predictions.map(\.link)) == [nil, "1gbit,0.2ms"])
        for workers in [1, 2, 4, 8, 16] {
            let both = result.predictions.filter { $0.workers == workers }
            #expect(both.count == 2 && both.allSatisfy { $0.step > 0 && $0.speedup > 0 })
            // The way there and back takes 0.4 ms alone.
            #expect(both.first { $0.link != nil }?.step ?? 0 > 0.4e-3)
        }
        #expect(try #require(result.modelError) >= 0)
        #expect(result.verdict.hasPrefix("at mini-batch 100, a step took "))
        // None on a busy machine.
        #expect(result.breakEven.count <= 2 && result.breakEven.allSatisfy { $0.workers == 2 })
        #expect(result.version.split(separator: ".").count == 3)
        #expect(result.machine.threadShare > 0 && !result.units.isEmpty)
    }

    @Test("In words: a table, where the time goes, and a summary")
    func words() throws {
        let place = try Workplace()
        let lines = try bench(place, ["--workers", "2", "--transport", "inline"]).output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("tiny: 36-8-4, mini-batch 10, kernel ") == true)
        for name in [
            "1 process ", "2 workers ", "2 workers: coordinator ", "2 workers: worker 1 ", "2 workers: worker 2 ",
        ] {
            #expect(lines.contains { $0.hasPrefix(name) }, "\(name)")
        }
        #expect(lines.contains { $0.hasPrefix("Summary: at mini-batch 10, a step took ") })
        #expect(lines.contains { $0.hasPrefix("The model's error is unknown: ") })
    }

    @Test("The chart goes into a file, and into the report of a run")
    func chart() throws {
        let place = try Workplace()
        let output = place.output()
        let run = try Program.run(
            ["train", place.configuration, "--output", output, "--epochs", "1"], in: place.folder.path)
        #expect(run.status == 0, "\(run)")
        let before = try String(contentsOfFile: "\(output)/report.html", encoding: .utf8)
        #expect(!before.contains("times as fast as one process"))
        _ = try bench(place, ["--workers", "2", "--chart", place.folder("speedup.svg"), "--run", output])
        let chart = try String(contentsOfFile: place.folder("speedup.svg"), encoding: .utf8)
        #expect(chart.contains("tiny, mini-batch 10: times as fast as one process") && chart.hasSuffix("</svg>\n"))
        let after = try String(contentsOfFile: "\(output)/report.html", encoding: .utf8)
        #expect(after.contains("times as fast as one process") && after.contains("Learning curves"))
        #expect(try decode(String(contentsOfFile: "\(output)/bench.json", encoding: .utf8)).settings.count == 2)
    }

    @Test("The coordinator's cost of each further worker is measured with workers that compute nothing")
    func fanIn() throws {
        struct Result: Decodable {
            struct Setting: Decodable {
                var workers: Int
                var thread: Double
                var process: Double
            }
            struct Slope: Decodable {
                var estimate: Double
                var lower: Double
                var upper: Double
            }
            var batch: Int
            var settings: [Setting]
            var threadEach: Slope
            var processEach: Slope
        }
        let place = try Workplace(batch: 2)
        let output = try bench(place, ["--fan-in", "--workers", "1,2,4", "--json"]).output
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let result = try decoder.decode(Result.self, from: Data(output.utf8))
        #expect(result.batch == 4, "every worker has a node of its own")
        #expect(result.settings.map(\.workers) == [1, 2, 4])
        for setting in result.settings { #expect(setting.thread > 0 && setting.process >= setting.thread) }
        for slope in [result.threadEach, result.processEach] {
            #expect(slope.estimate >= 0 && slope.lower >= 0 && slope.upper >= slope.lower)
        }
        let words = try bench(place, ["--fan-in", "--workers", "1,2"]).output
        #expect(words.contains("Each further worker costs in a step: "))
    }

    @Test(
        "Invalid options are rejected at once",
        arguments: [
            (["--workers", "0"], 64), (["--workers", "1,1"], 64), (["--workers", "two"], 64), (["--steps", "0"], 64),
            (["--link", "fast"], 64), (["--run", "/nowhere"], 66), (["--batch", "0"], 78),
            (["--fan-in", "--chart", "x.svg"], 64),
        ] as [([String], Int32)])
    func refusals(options: [String], status: Int32) throws {
        let place = try Workplace()
        let result = try Program.run(["bench", place.configuration] + options, in: place.folder.path)
        #expect(result.status == status, "\(result)")
        #expect(!result.errors.isEmpty && result.output.isEmpty)
    }
}
