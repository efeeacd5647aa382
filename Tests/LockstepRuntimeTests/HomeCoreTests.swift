import LockstepSystem
import LockstepTesting
import Testing

@testable import LockstepRuntime

/// What a process was bound to, one after the other.
private final class Bindings {
    var cores: [CoreSet] = []
    var succeeds = true

    func bind(_ set: CoreSet) -> Bool {
        cores.append(set)
        return succeeds
    }
}

@Suite("A worker's own core")
struct HomeCoreTests {
    private let all = CoreSet.current
    private let bindings = Bindings()

    /// Takes note of so many periods of computing, in units of a tenth each.
    private func compute(_ core: inout HomeCore, periods: Int, share: Double) {
        for _ in 0..<periods * 10 {
            core.note(elapsed: HomeCore.period / 10 * 1.001, onCore: HomeCore.period / 10 * share)
        }
    }

    @Test("A worker stays on its core while it has most of it")
    func staying() throws {
        var core = try #require(HomeCore(place: 0, among: all, bind: bindings.bind))
        compute(&core, periods: 40, share: 0.8)
        #expect(bindings.cores == [try #require(all.core(0))])
    }

    @Test("A worker leaves a core that others use, comes back later, and leaves again if they still do")
    func leaving() throws {
        var core = try #require(HomeCore(place: 0, among: all, bind: bindings.bind))
        let home = try #require(all.core(0))
        compute(&core, periods: 1, share: 0.6)
        #expect(bindings.cores == [home, all])
        // How much of which core it gets elsewhere is of no interest.
        compute(&core, periods: HomeCore.absence - 1, share: 0.3)
        #expect(bindings.cores == [home, all])
        compute(&core, periods: 1, share: 0.3)
        #expect(bindings.cores == [home, all, home])
        compute(&core, periods: 1, share: 0.6)
        #expect(bindings.cores == [home, all, home, all])
    }

    @Test("A short disturbance is none")
    func disturbance() throws {
        var core = try #require(HomeCore(place: 0, among: all, bind: bindings.bind))
        for _ in 0..<30 {
            core.note(elapsed: HomeCore.period / 10, onCore: 0)
            core.note(elapsed: HomeCore.period * 0.91, onCore: HomeCore.period * 0.91)
        }
        #expect(bindings.cores.count == 1)
    }

    @Test("There is no core of its own that does not exist or that the system does not give")
    func absence() {
        #expect(HomeCore(place: all.count, among: all, bind: bindings.bind) == nil)
        #expect(HomeCore(place: -1, among: all, bind: bindings.bind) == nil)
        #expect(bindings.cores.isEmpty)
        bindings.succeeds = false
        #expect(HomeCore(place: 0, among: all, bind: bindings.bind) == nil)
    }

    @Test("Each worker is told of a core where there are as many as cores, and nowhere else")
    func arguments() {
        #expect((0..<2).map { HomeCore.arguments(place: $0, of: 2, cores: 2) } == [["--core", "0"], ["--core", "1"]])
        #expect(HomeCore.arguments(place: 0, of: 1, cores: 2).isEmpty)
        #expect(HomeCore.arguments(place: 2, of: 3, cores: 2).isEmpty)
        #expect(HomeCore.arguments(place: 0, of: 1, cores: 1).isEmpty)
    }
}
