import ArgumentParser
import LockstepChaos

/// `--faults kill,stop,...`
struct FaultList: ExpressibleByArgument, Hashable {
    let faults: [ChaosPlan.Fault]

    init(faults: [ChaosPlan.Fault]) {
        self.faults = faults
    }

    init?(argument: String) {
        let found = argument.split(separator: ",", omittingEmptySubsequences: false)
            .map { ChaosPlan.Fault(rawValue: String($0)) }
        guard !found.contains(nil) else { return nil }
        faults = found.compactMap(\.self)
    }

    var defaultValueDescription: String { faults.map(\.rawValue).joined(separator: ",") }
}
