import Testing

@testable import LockstepRuns

@Suite("The runs of a sweep")
struct SweepPlanTests {
    private func values(_ assignment: String) throws -> SweepParameter.Values {
        try SweepParameter(assignment: assignment).values
    }

    @Test("Commas separate values, except inside brackets, braces and quotes")
    func commas() throws {
        #expect(try values("training.batch=10, 20") == .list(["10", "20"]))
        #expect(try values("network.sizes=[784,30,10],[784,100,10]") == .list(["[784,30,10]", "[784,100,10]"]))
        #expect(
            try values("optimizer={sgd: {learning-rate: 1, momentum: 0.9}},{adamw: {}}")
                == .list(["{sgd: {learning-rate: 1, momentum: 0.9}}", "{adamw: {}}"]))
        #expect(try values("data.csv=\"a,b.csv\",c.csv") == .list(["\"a,b.csv\"", "c.csv"]))
        #expect(try values("cost=quadratic") == .list(["quadratic"]))
    }

    @Test("A range of whole numbers is all of them; one of other numbers is an interval")
    func ranges() throws {
        #expect(try values("training.seed=1..5") == .list(["1", "2", "3", "4", "5"]))
        #expect(try values("training.seed=-1..1,7") == .list(["-1", "0", "1", "7"]))
        #expect(try values("optimizer.sgd.learning-rate=0.01..10") == .interval(0.01, 10))
        #expect(try values("name=a..b") == .list(["a..b"]))
    }

    @Test(
        "What is no list of values is refused by name",
        arguments: [
            ("training.batch", "not of the form key=value"), ("=1,2", "not of the form key=value"),
            ("training.batch=1,,2", "a value is missing"), ("training.batch=", "a value is missing"),
            ("training.batch=3,3", "named twice"), ("training.seed=5..1", "no range"),
            ("training.seed=1..1000000", "no range"),
            ("training.seed=-9223372036854775808..9223372036854775807", "no range"),
            ("optimizer.sgd.learning-rate=1.5..0.5", "the range is empty"),
        ])
    func refused(assignment: String, reason: String) {
        #expect {
            try SweepParameter(assignment: assignment)
        } throws: { "\($0)".contains(reason) && "\($0)".hasPrefix("--set \(assignment)") }
    }

    private func plan(_ assignments: [String], random: Int? = nil, seed: UInt64 = 1) throws -> SweepPlan {
        try SweepPlan(try assignments.map { try SweepParameter(assignment: $0) }, random: random, seed: seed)
    }

    @Test("Every combination is a run, whose name and label say what varies")
    func combinations() throws {
        let plan = try plan(["optimizer.sgd.learning-rate=0.5,3", "cost=quadratic", "training.seed=1..2"])
        #expect(
            plan.entries.map(\.label) == [
                "learning-rate 0.5, seed 1", "learning-rate 0.5, seed 2", "learning-rate 3, seed 1",
                "learning-rate 3, seed 2",
            ])
        #expect(plan.entries.map(\.name).first == "learning-rate-0.5-seed-1")
        #expect(Set(plan.entries.map(\.name)).count == 4)
        #expect(
            plan.entries[3].assignments == ["cost=quadratic", "optimizer.sgd.learning-rate=3", "training.seed=2"])
        #expect(try self.plan(["cost=quadratic"]).entries.map(\.name) == ["run"])
    }

    @Test("Values that make equal folder names get folders of their own")
    func names() throws {
        let plan = try plan(["name=a b,a-b,a+b"])
        #expect(Set(plan.entries.map(\.name)).count == 3)
    }

    @Test("Random combinations are all different, the same for the same seed, and within their intervals")
    func random() throws {
        let assignments = ["optimizer.sgd.learning-rate=0.01..10", "training.batch=5,10,20"]
        let plan = try plan(assignments, random: 200)
        #expect(plan.entries.count == 200 && Set(plan.entries.map(\.assignments)).count == 200)
        #expect(try self.plan(assignments, random: 200) == plan)
        #expect(try self.plan(assignments, random: 200, seed: 2) != plan)
        let rates = plan.entries.compactMap { Double($0.assignments[0].split(separator: "=")[1]) }
        #expect(rates.count == 200 && rates.allSatisfy { (0.01...10).contains($0) })
        // Uniform in the logarithm: a third of the draws in each decade, within four standard deviations.
        let middle = rates.count { (0.1..<1).contains($0) }
        #expect((40...93).contains(middle), "\(middle)")
        // Of six combinations, ten are six.
        #expect(try self.plan(["training.batch=5,10,20", "training.seed=1..2"], random: 10).entries.count == 6)
    }

    @Test("A sweep without end is refused")
    func endless() {
        #expect { try plan(["optimizer.sgd.learning-rate=0.1..1"]) } throws: { "\($0)".contains("--random") }
        #expect { try plan(["a=1..200", "b=1..200"]) } throws: { "\($0)".contains("more than 10000 combinations") }
        #expect { try plan(["a=1..2"], random: 0) } throws: { "\($0)".contains("--random 0") }
        #expect { try plan(["a=1", "a=2"]) } throws: { "\($0)".contains("named twice") }
    }
}
