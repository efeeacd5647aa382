import Glibc
import LockstepSystem
import LockstepTimeline

/// SIGUSR1 has ended the run before the job's time limit does.
package struct TimeLimitNear: Error, CustomStringConvertible {
    package init() {}

    package var description: String {
        "SIGUSR1 says that the job's time limit is near: the run is saved, and can be resumed"
    }
}

/// Puts a job back into the queue: it begins again, with the same batch script.
///
/// - Parameters:
///   - job: The job's number.
///   - scontrol: The path of Slurm's program.
/// - Returns: Why it could not be done, for people; nil if it was.
/// - Throws: `SystemError` if the program cannot be started.
package func requeue(job: String, scontrol: String) throws -> String? {
    let output = Locked<[String]>([])
    let relay = try LineRelay { _, line in output.withLock { $0.append(line) } }
    let process: ChildProcess
    do {
        let pipe = try relay.makePipe(named: "scontrol")
        process = try ChildProcess(
            ChildProcess.Command(
                executable: scontrol, arguments: ["requeue", job], input: .nothing, output: .file(pipe.number)))
    }
    let ending = process.wait(until: .after(.seconds(30)))
    relay.finish(until: .after(.seconds(1)))
    guard let ending else { return "scontrol requeue \(job) does not end" }
    guard !ending.isSuccess else { return nil }
    return "scontrol requeue \(job) ended with \(ending): " + output.withLock { $0.joined(separator: " ") }
}
