public import Foundation
import LockstepArtifacts
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNetwork
import LockstepRuns
import LockstepRuntime
import LockstepTraining
import ZeroMQ

/// An error in one line: what failed, why, and what to do about it.
public struct LockstepError: LocalizedError, Hashable, Sendable, CustomStringConvertible {
    /// The subject of an error.
    public enum Kind: Hashable, Sendable {
        /// Sizes, rates or counts that are impossible or don't fit each other.
        case configuration
        /// Samples or images that are missing, damaged or contradict each other.
        case data
        /// A file that cannot be read or written.
        case file
        /// The compute library is missing, or this processor does not run the kernel.
        case kernel
        /// The code of a program's own model threw an error, or the model is impossible.
        case model
        /// Memory of this process or of a worker changed again and again without being written.
        case memory
        /// Training reached a cost that is not a finite number.
        case notFinite
        /// Workers could not be started, or were lost.
        case workers
    }

    /// The subject of the error.
    public let kind: Kind
    /// What failed, why, and what to do about it.
    public let description: String

    /// The same text, for alerts of an app.
    public var errorDescription: String? { description }

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}

extension LockstepError {
    /// Makes a public error of an internal one; each of them describes itself in one line.
    init(_ error: any Error) {
        switch error {
        case let error as LockstepError: self = error
        case is DataError: self.init(.data, "\(error)")
        case is ArtifactError: self.init(.file, "\(error)")
        case is ComputeError: self.init(.kernel, "\(error)")
        case is ModelFailure, RunError.modelFailed: self.init(.model, "\(error)")
        case is ResumeError, is RunResources.Shortage, is ZeroMQError, is KeyError:
            self.init(.configuration, "\(error)")
        case is NetworkError, is ConfigurationError: self.init(.configuration, "\(error)")
        case let error as TrainingError:
            switch error {
            case .notFinite: self.init(.notFinite, "\(error)")
            case .memoryFault: self.init(.memory, "\(error)")
            case .shapeMismatch, .invalidConfiguration: self.init(.configuration, "\(error)")
            }
        case is MemoryFault: self.init(.memory, "\(error)")
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
