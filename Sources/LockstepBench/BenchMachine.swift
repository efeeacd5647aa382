package import LockstepCostModel
import LockstepSystem

/// The machine that a bench ran on, and what else ran there.
package struct BenchMachine: Hashable, Sendable {
    /// The processor's name; nil if the system does not say.
    package let processor: String?
    /// What other programs used during the bench.
    package let load: MachineLoad
    /// Threads that ran or waited for a core in the last minute, those of the bench included; nil if the system does not
    /// say.
    package let loadAverage: Double?

    package init(processor: String?, load: MachineLoad, loadAverage: Double?) {
        self.processor = processor
        self.load = load
        self.loadAverage = loadAverage
    }

    /// This machine.
    init(load: MachineLoad) {
        self.init(processor: Host.processorName, load: load, loadAverage: Host.loadAverage)
    }
}
