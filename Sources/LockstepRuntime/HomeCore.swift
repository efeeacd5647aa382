package import LockstepSystem

/// The core that a worker process has to itself where every core of the host has a worker.
///
/// Left to itself, the system now and then wakes a worker, or the thread that passes its messages on, on the core where
/// another worker has just begun to compute, and moves it milliseconds later, although a core is idle meanwhile. A
/// process that has a core of its own is woken there. But a core that turns out to be shared, with a program or, under a
/// hypervisor, with another machine, is not insisted on: for a while the process runs where the system finds room.
package struct HomeCore {
    /// Seconds of computing after which it is asked how much of them the worker had the core.
    static let period = 0.5
    /// The part of that time that others may take. The coordinator needs some.
    static let tolerance = 0.25
    /// Periods that the process stays away from a core once others took more.
    static let absence = 16

    private let home: CoreSet
    private let anywhere: CoreSet
    private let bind: (CoreSet) -> Bool
    /// What has been computed in this period, and how long of that the thread was on a core, in seconds.
    private var elapsed = 0.0
    private var onCore = 0.0
    private var periodsAway = 0

    /// Binds this process to a core; nil if it cannot be.
    ///
    /// - Parameters:
    ///   - place: Which of the cores it is, counted from 0.
    ///   - cores: Those that the process may run on.
    ///   - bind: Binds all threads of this process.
    package init?(
        place: Int, among cores: CoreSet = .current, bind: @escaping (CoreSet) -> Bool = { $0.bindThisProcess() }
    ) {
        guard let home = cores.core(place), bind(home) else { return nil }
        self.home = home
        self.anywhere = cores
        self.bind = bind
    }

    /// What a worker process is told on its command line of the core that it gets.
    ///
    /// - Parameters:
    ///   - place: Its number among the worker processes of this host.
    ///   - count: How many there are.
    ///   - cores: How many cores they have.
    /// - Returns: Nothing where there are more cores or fewer.
    package static func arguments(place: Int, of count: Int, cores: Int = Host.coreCount) -> [String] {
        count > 1 && count == cores ? ["--core", "\(place)"] : []
    }

    /// Takes note of a unit of work; leaves the core or returns to it.
    ///
    /// - Parameters:
    ///   - seconds: How long it took.
    ///   - secondsOnCore: How long of that the thread was on a core.
    package mutating func note(elapsed seconds: Double, onCore secondsOnCore: Double) {
        elapsed += seconds
        onCore += secondsOnCore
        guard elapsed >= Self.period else { return }
        let isShared = onCore < (1 - Self.tolerance) * elapsed
        (elapsed, onCore) = (0, 0)
        if periodsAway > 0 {
            periodsAway -= 1
            if periodsAway == 0 { _ = bind(home) }
        } else if isShared {
            periodsAway = Self.absence
            _ = bind(anywhere)
        }
    }
}
