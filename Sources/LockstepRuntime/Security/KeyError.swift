import Glibc

/// A problem with a file of a key folder. Its text never shows a key.
package struct KeyError: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        /// A system call failed with this errno.
        case system(Int32)
        /// The file does not exist; `owner` is the process that needs it.
        case missing(owner: Owner)
        /// The file exists, and files are never replaced.
        case exists
        case notAFile
        case tooLarge(limit: Int)
        /// Other users may read a secret.
        case readable(mode: UInt32)
        /// Other users may change the keys that the coordinator or a worker trusts.
        case writable(mode: UInt32)
        case foreignOwner(uid: UInt32)
        case notText
        /// This line, counted from 1, is not a key; the length of its first word, where a key has 40 characters.
        case notAKey(line: Int, characters: Int)
        case keyCount(Int)
        case tooManyKeys(limit: Int)
        /// The public key does not belong to the secret key.
        case notAPair
        /// Standard input has ended, or no line has come on it in time.
        case noLine(seconds: Int)
        /// The line on standard input is not ``WorkerKeyLine``.
        case notAKeyLine
    }

    /// The process that reads a key.
    package enum Owner: Equatable, Sendable {
        /// It runs where the keys were made.
        case coordinator
        /// A worker, or a command that asks a coordinator: it has copies of the coordinator's files.
        case peer
    }

    package let path: String
    package let reason: Reason
}

extension KeyError: CustomStringConvertible {
    /// One line with the file, the problem and the remedy.
    package var description: String {
        switch reason {
        case .system(let code): "cannot use \(path): \(String(cString: strerror(code)))"
        case .missing(.coordinator): "no key file \(path); make a folder of keys with: lockstep keygen DIR"
        case .missing(.peer):
            "no key file \(path); copy worker.secret, worker.public and coordinator.public from the coordinator's folder "
                + "of keys, and name their folder with --keys"
        case .exists: "\(path) exists and keys are never replaced; name another folder, or move it away first"
        case .notAFile: "\(path) is not a file"
        case .tooLarge(let limit): "\(path) is no key file: it has more than \(limit) bytes"
        case .readable(let mode):
            "\(path) is a secret that other users may read (mode \(octal(mode))); first: chmod 600 \(path)"
        case .writable(let mode):
            "other users may change \(path) (mode \(octal(mode))); first: chmod go-w \(path)"
        case .foreignOwner(let uid):
            "\(path) belongs to user \(uid), who could change it; use files of your own"
        case .notText: "\(path) is no key file: it is not text"
        case .notAKey(let line, let characters):
            characters == 40
                ? "\(path), line \(line): not a key; a key is 40 characters of Z85"
                : "\(path), line \(line): \(characters) characters where a key has 40"
        case .keyCount(let count):
            count == 0 ? "\(path) contains no key" : "\(path) contains \(count) keys instead of one"
        case .tooManyKeys(let limit): "\(path) has more than \(limit) keys"
        case .notAPair:
            "\(path) does not belong to the public key beside it; copy both files of one lockstep keygen"
        case .noLine(let seconds):
            "--keys -: no line with keys came on \(path) within \(seconds) s; a launcher writes it, and holds \(path) open. "
                + "Name a folder to start a worker by hand: --keys DIR"
        case .notAKeyLine:
            "--keys -: the line on \(path) does not hold a coordinator's public key and a worker's pair: "
                + "lockstep-keys COORDINATOR_PUBLIC WORKER_PUBLIC WORKER_SECRET"
        }
    }

    private func octal(_ mode: UInt32) -> String { "0" + String(mode & 0o7777, radix: 8) }
}
