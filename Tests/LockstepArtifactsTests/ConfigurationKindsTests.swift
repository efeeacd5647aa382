import Foundation
import LockstepConfiguration
import LockstepData
import LockstepTraining
import Testing

/// The registries of optimizers, schedules and data formats.
@Suite("Kinds of a section")
struct ConfigurationKindsTests {
    private static let registries: [[any ConfigurationKind.Type]] = [
        OptimizerConfiguration.all, ScheduleConfiguration.all, DataSource.all,
    ]

    @Test("Each kind of a registry has a name of its own, and keys with different names", arguments: registries.indices)
    func names(index: Int) {
        let kinds = Self.registries[index]
        #expect(Set(kinds.map { $0.name }).count == kinds.count)
        for kind in kinds {
            let hasDistinctKeys = hasDistinctKeys(kind)
            #expect(hasDistinctKeys, "\(kind)")
        }
    }

    private func hasDistinctKeys<Kind: ConfigurationKind>(_ kind: Kind.Type) -> Bool {
        Set(kind.keys.map(\.name)).count == kind.keys.count
    }

    @Test("A value of every kind is sent as JSON and comes back equal")
    func json() throws {
        func roundTrip<Value: ConfigurationKinds>(_ values: [Value]) throws {
            #expect(Set(values.map { type(of: $0.kind).name }).count == Value.all.count, "a kind without a value")
            for value in values {
                let again = try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value))
                #expect(again == value && again.hashValue == value.hashValue)
            }
            #expect(Set(values).count == values.count)
            #expect(throws: DecodingError.self) { try JSONDecoder().decode(Value.self, from: Data(#"{"x":{}}"#.utf8)) }
        }
        try roundTrip([
            OptimizerConfiguration.sgd(learningRate: 1, momentum: 0.5, nesterov: true, weightDecay: 0.25),
            .sgd(learningRate: 1), .adamW(learningRate: 1, beta1: 0.5), .rmsProp(learningRate: 1, alpha: 0.5),
        ])
        try roundTrip([
            ScheduleConfiguration.constant, .step(every: 3, factor: 0.5), .cosine(warmUp: 0.5, final: 0.25),
            .oneCycle(), .reduceOnPlateau(plateau: 3),
        ])
        try roundTrip([
            DataSource.named("mnist"), .pickle("a.pkl"), .table(TableFiles(path: "a", label: .named("b"), test: 3)),
            .files(IDXFiles(images: "i", labels: "l", testImages: "j", testLabels: "m", validation: 2)),
            DataSource(NPZFile(path: "a.npz")), DataSource(NPYFiles(path: "a.npy", labels: "b.npy")),
            .pictures(PictureFolder(path: "a", size: [2, 3], channels: 1, seed: 4)),
        ])
    }

    @Test(
        "The name of a file tells its format",
        arguments: [("a.CSV", "csv"), ("b.tsv.gz", "csv"), ("c.pkl", "pickle"), ("d.NPZ", "npz"), ("e.npy", "npy")])
    func files(path: String, name: String) {
        let source = DataSource(file: path)
        #expect(type(of: source.kind).name == name)
        #expect(DataSource(file: "unknown") == .pickle("unknown"))
    }
}
