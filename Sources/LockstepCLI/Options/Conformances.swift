import ArgumentParser
import LockstepArtifacts
import LockstepBench
import LockstepData
import LockstepRuntime

// Types of other modules that options have as they are.

extension Transport: ExpressibleByArgument {}

extension Split: ExpressibleByArgument {}

extension ExportFormat: ExpressibleByArgument {}

extension BenchLink: ExpressibleByArgument {
    package init?(argument: String) {
        self.init(argument)
    }
}
