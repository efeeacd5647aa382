import ArgumentParser
import LockstepRuntime

extension Transport: ExpressibleByArgument {}
