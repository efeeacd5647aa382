import LockstepCluster
import LockstepSystem
import LockstepTimeline
import Testing

@testable import LockstepRuntime

/// A process whose threads wait as the test says.
private final class Company {
    var waits = CoreWaits(nanoseconds: 5_000_000, count: 100)
    var now = Instant(nanoseconds: 7)
    /// What the process was made, one after the other.
    var manners: [Bool] = []

    func makeCourtesy() throws -> Courtesy {
        try #require(Courtesy(now: now, waits: { self.waits }) { self.manners.append($0) })
    }

    /// Lets time pass in which threads got a core so often, after so long on average, and has a look.
    func pass(_ courtesy: inout Courtesy, count: UInt64 = 500, wait: UInt64, time: UInt64 = Courtesy.period) {
        waits.count += count
        waits.nanoseconds += count * wait
        now = Instant(nanoseconds: now.nanoseconds + time)
        courtesy.look(now: now)
    }
}

@Suite("Courtesy among processes")
struct CourtesyTests {
    private let company = Company()

    @Test("A worker is courteous from the start, and as long as waits are short")
    func short() throws {
        var courtesy = try company.makeCourtesy()
        for _ in 0..<200 { company.pass(&courtesy, wait: 60_000) }
        #expect(company.manners == [true])
    }

    @Test("Long waits, one look after the other, end it for a while, and it is tried again")
    func long() throws {
        var courtesy = try company.makeCourtesy()
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true])
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true, false])
        // However long anything is waited for meanwhile.
        company.pass(&courtesy, wait: 900_000, time: Courtesy.absence - 1)
        #expect(company.manners == [true, false])
        company.pass(&courtesy, wait: 900_000, time: 1)
        #expect(company.manners == [true, false, true])
        company.pass(&courtesy, wait: 60_000)
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true, false, true])
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true, false, true, false])
    }

    @Test("One bad moment, and a few long waits of a process with little to do, change nothing")
    func moments() throws {
        var courtesy = try company.makeCourtesy()
        for _ in 0..<50 {
            company.pass(&courtesy, wait: 4_000_000)
            company.pass(&courtesy, wait: 10_000)
        }
        for _ in 0..<50 { company.pass(&courtesy, count: 20, wait: 390_000) }
        for _ in 0..<19 { company.pass(&courtesy, count: 1, wait: 3_000_000) }
        #expect(company.manners == [true])
    }

    @Test("Where there is little to do, waits add up to a verdict")
    func rare() throws {
        var courtesy = try company.makeCourtesy()
        for _ in 0..<39 { company.pass(&courtesy, count: 1, wait: 3_000_000) }
        #expect(company.manners == [true])
        company.pass(&courtesy, count: 1, wait: 3_000_000)
        #expect(company.manners == [true, false])
    }

    @Test("Where nobody tells how long threads wait, a process is like any other")
    func untold() {
        #expect(Courtesy(now: company.now, waits: { CoreWaits() }, apply: { company.manners.append($0) }) == nil)
        #expect(company.manners.isEmpty)
    }

    @Test("Looks before their time see nothing, and what they left is seen in time")
    func early() throws {
        var courtesy = try company.makeCourtesy()
        for _ in 0..<7 { company.pass(&courtesy, wait: 900_000, time: Courtesy.period / 8) }
        #expect(company.manners == [true])
        company.pass(&courtesy, wait: 900_000, time: Courtesy.period / 8)
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true, false])
    }

    @Test("A thread that ends takes its waits along without harm")
    func ended() throws {
        var courtesy = try company.makeCourtesy()
        company.waits = CoreWaits(nanoseconds: 1, count: 1)
        company.pass(&courtesy, count: 0, wait: 0)
        company.pass(&courtesy, wait: 900_000)
        company.pass(&courtesy, wait: 900_000)
        #expect(company.manners == [true, false])
    }

    @Test("Each worker is told of a core where there are as many as cores, and nowhere else")
    func arguments() {
        #expect((0..<2).map { Courtesy.arguments(place: $0, of: 2, cores: 2) } == [["--core", "0"], ["--core", "1"]])
        #expect(Courtesy.arguments(place: 0, of: 1, cores: 2).isEmpty)
        #expect(Courtesy.arguments(place: 2, of: 3, cores: 2).isEmpty)
        #expect(Courtesy.arguments(place: 0, of: 1, cores: 1).isEmpty)
    }
}
