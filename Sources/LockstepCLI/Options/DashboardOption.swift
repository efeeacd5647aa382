import ArgumentParser
import LockstepDashboard

/// `--dashboard` of `train` and `coordinator`: where the live page is served.
struct DashboardOption: ExpressibleByArgument {
    let address: DashboardAddress

    init?(argument: String) {
        guard let address = DashboardAddress(argument) else { return nil }
        self.address = address
    }
}
