import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepNetwork
import LockstepTraining

extension LockstepError {
    /// Makes a public error of an internal one; each of them describes itself in one line.
    init(_ error: any Error) {
        switch error {
        case let error as LockstepError: self = error
        case is DataError: self.init(.data, "\(error)")
        case is ArtifactError: self.init(.file, "\(error)")
        case is ComputeError: self.init(.kernel, "\(error)")
        case is NetworkError, is ConfigurationError: self.init(.configuration, "\(error)")
        case let error as TrainingError:
            if case .notFinite = error {
                self.init(.notFinite, "\(error)")
            } else {
                self.init(.configuration, "\(error)")
            }
        default: self.init(.workers, "\(error)")
        }
    }
}

/// Runs `body` and throws its errors as ``LockstepError``.
func withPublicErrors<Result>(_ body: () throws -> Result) throws(LockstepError) -> Result {
    do {
        return try body()
    } catch {
        throw LockstepError(error)
    }
}
