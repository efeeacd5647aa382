import Glibc
import Lockstep
import LockstepArtifacts
import LockstepChaos
import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepLaunch
import LockstepNetwork
import LockstepProtocol
import LockstepRuns
import LockstepRuntime
import LockstepSystem
import LockstepTraining
import ZeroMQ

/// Exit statuses, after sysexits(3). This is the one place where errors become numbers.
enum ExitStatus: Hashable {
    case usage
    case dataError
    case noInput
    case unavailable
    case software
    case osError
    case cantCreate
    case inputOutput
    /// Keys that are not accepted, or that other users can read.
    case noPermission
    case temporaryFailure
    case configuration
    /// A signal asked the process to stop; shells expect 128 and the signal's number.
    case signal(Int32)

    /// The status of an error of Lockstep; nil for an error of the argument parser, which prints it itself.
    init?(of error: any Error) {
        switch error {
        case let error as CommandError: self = ExitStatus(of: error)
        // Other programs are ended by the signal itself, and shells show the same status.
        case let error as OutputError: self = error.code == EPIPE ? .signal(SIGPIPE) : .inputOutput
        case let error as ConfigurationError: self = error.kind == .unreadable ? .noInput : .configuration
        case is NetworkError: self = .configuration
        case let error as LockstepError: self = ExitStatus(of: error)
        case let error as TrainingError: self = ExitStatus(of: error)
        case is MemoryFault: self = .software
        case let error as DataError: self = ExitStatus(of: error)
        case let error as ArtifactError: self = ExitStatus(of: error)
        case let error as ResumeError: self = ExitStatus(of: error)
        case is SweepParameter.Failure: self = .usage
        case is Sweep.Conflict: self = .configuration
        case ComputeError.outOfMemory: self = .osError
        case is ComputeError: self = .unavailable
        case ClusterFailure.noWorkersLeft, is TimeLimitNear: self = .temporaryFailure
        case let error as ZeroMQError where error.operation == .makeContext: self = .osError
        case is ZeroMQError, is ClusterFailure: self = .unavailable
        case let failure as WorkerGroup.Failure: self = failure.isRejection ? .noPermission : .unavailable
        case is ChaosSeries.Failure, is HostFailure: self = .unavailable
        case is SystemError, is RunResources.Shortage: self = .osError
        case let error as KeyError: self = ExitStatus(of: error)
        case let error as RunError: self = ExitStatus(of: error)
        case let failure as StatusClient.Failure: self = ExitStatus(of: failure)
        case is NoCoordinator: self = .unavailable
        case let ending as WorkerEnding: self = ExitStatus(of: ending)
        default: return nil
        }
    }

    private init(of error: CommandError) {
        switch error.kind {
        case .usage: self = .usage
        case .missingInput: self = .noInput
        case .invalidData: self = .dataError
        case .unavailable: self = .unavailable
        case .failedCheck: self = .software
        }
    }

    private init(of error: RunError) {
        switch error {
        case .interrupted(let signal): self = .signal(signal)
        case .workersToldToStop: self = .temporaryFailure
        case .workerDidNotJoin, .noWorkersLeft: self = .unavailable
        case .modelFailed: self = .software
        }
    }

    private init(of error: TrainingError) {
        switch error {
        case .shapeMismatch, .invalidConfiguration: self = .configuration
        case .notFinite, .memoryFault: self = .software
        }
    }

    private init(of error: DataError) {
        switch error.reason {
        case .missingFile, .notAFile, .system, .unknownDataset, .notInCache: self = .noInput
        case .outOfMemory: self = .osError
        default: self = .dataError
        }
    }

    private init(of error: ArtifactError) {
        switch error {
        case .system(_, _, let code) where code == ENOENT && error.isAboutInput: self = .noInput
        case .system(_, _, let code) where [EIO, ENOSPC, EDQUOT, EFBIG, EPIPE].contains(code): self = .inputOutput
        case .system, .notEmpty, .notADirectory: self = .cantCreate
        case .inUse: self = .temporaryFailure
        case .notARegularFile: self = .noInput
        case .tooLarge, .malformed, .unknownVersion: self = .dataError
        }
    }

    private init(of error: ResumeError) {
        switch error.kind {
        case .missingRun: self = .noInput
        case .changedConfiguration: self = .configuration
        case .unusableCheckpoint: self = .dataError
        case .differentBits: self = .unavailable
        case .tooFewEpochs: self = .usage
        }
    }

    private init(of error: KeyError) {
        switch error.reason {
        case .missing, .notAFile: self = .noInput
        case .exists: self = .cantCreate
        case .readable, .writable, .foreignOwner, .noLine, .notAKeyLine: self = .noPermission
        case .system(let code): self = code == EACCES || code == EPERM ? .noPermission : .cantCreate
        case .tooLarge, .notText, .notAKey, .keyCount, .tooManyKeys, .notAPair: self = .dataError
        }
    }

    private init(of failure: StatusClient.Failure) {
        switch failure {
        case .rejected: self = .noPermission
        case .noAnswer, .unreadable: self = .unavailable
        }
    }

    private init(of error: LockstepError) {
        switch error.kind {
        case .configuration: self = .configuration
        case .data: self = .dataError
        case .file: self = .noInput
        case .kernel, .workers: self = .unavailable
        case .notFinite, .memory, .model: self = .software
        }
    }

    private init(of ending: WorkerEnding) {
        switch ending {
        case .rejected: self = .noPermission
        case .finished, .stopped, .noCoordinator, .unable, .failed, .refused, .brokenLink: self = .unavailable
        }
    }

    var code: Int32 {
        switch self {
        case .usage: 64
        case .dataError: 65
        case .noInput: 66
        case .unavailable: 69
        case .software: 70
        case .osError: 71
        case .cantCreate: 73
        case .inputOutput: 74
        case .temporaryFailure: 75
        case .noPermission: 77
        case .configuration: 78
        case .signal(let number): 128 + number
        }
    }

    /// Whether the error is printed. After a signal the user knows why the process ends.
    var isPrinted: Bool {
        if case .signal = self { return false }
        return true
    }

    func exit() -> Never {
        Console.flush(isHurried: true)
        Glibc.exit(code)
    }
}
