import Foundation
import Glibc
import LockstepRuntime
import Testing
import ZeroMQ

/// A temporary folder that is deleted with this object.
private final class Folder {
    let path = "/tmp/lockstep-keys-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String, mode: mode_t? = nil) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(name)"))
        if let mode { chmod("\(path)/\(name)", mode) }
    }

    func mode(of name: String) -> mode_t {
        var status = stat()
        return stat("\(path)/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
    }
}

@Suite("Key folders")
struct KeyDirectoryTests {
    private func made() throws -> (Folder, KeyDirectory) {
        let folder = Folder()
        let keys = KeyDirectory(path: folder.path)
        _ = try keys.generate()
        return (folder, keys)
    }

    private func reason(_ body: () throws -> some Any) -> KeyError.Reason? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? KeyError)?.reason
        }
    }

    @Test("new keys work for both sides, and only their owner can read the secrets")
    func generate() throws {
        let (folder, keys) = try made()
        let coordinator = try keys.coordinatorKeys()
        guard case .client(let worker, let server) = try keys.workerKeys() else {
            Issue.record("no client keys")
            return
        }
        #expect(server == coordinator.keys.publicKey)
        #expect(coordinator.allowed.contains(worker.publicKey))
        #expect(folder.mode(of: "coordinator.secret") == 0o600)
        #expect(folder.mode(of: "worker.secret") == 0o600)
        #expect(folder.mode(of: "coordinator.public") == 0o644)
        #expect(folder.mode(of: "") == 0o700)
    }

    @Test("keys are never replaced, and a folder that has keys is not changed")
    func exclusive() throws {
        let (folder, keys) = try made()
        #expect(reason { try keys.generate() } == .exists)
        try FileManager.default.removeItem(atPath: "\(folder.path)/coordinator.secret")
        #expect(reason { try keys.generate() } == .exists)
        #expect(folder.mode(of: "coordinator.secret") == 0, "no file is created beside the existing ones")
    }

    @Test("what a process left that was killed while it made keys is removed, and nothing but the keys is left")
    func leftovers() throws {
        let folder = Folder()
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        try folder.write("half a secr", to: ".coordinator.secret.4711.tmp")
        _ = try KeyDirectory(path: folder.path).generate()
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [
                "allowed-workers", "coordinator.public", "coordinator.secret", "worker.public", "worker.secret",
            ])
    }

    @Test("a secret that others may read is refused with the remedy", arguments: [0o604, 0o660, 0o444] as [mode_t])
    func permissions(mode: mode_t) throws {
        let (folder, keys) = try made()
        chmod("\(folder.path)/worker.secret", mode)
        let error = #expect(throws: KeyError.self) { _ = try keys.workerKeys() }
        #expect(error?.description.contains("chmod 600 \(folder.path)/worker.secret") == true)
        #expect(reason { try keys.coordinatorKeys() } == nil, "the coordinator reads no worker's secret")
    }

    @Test("a secret that its group may read is accepted: services get files so", arguments: [0o440, 0o640] as [mode_t])
    func group(mode: mode_t) throws {
        let (folder, keys) = try made()
        chmod("\(folder.path)/worker.secret", mode)
        #expect(reason { try keys.workerKeys() } == nil)
    }

    @Test("an allow-list that others may change is refused")
    func writable() throws {
        let (folder, keys) = try made()
        chmod("\(folder.path)/allowed-workers", 0o664)
        let error = #expect(throws: KeyError.self) { _ = try keys.coordinatorKeys() }
        #expect(error?.description.contains("chmod go-w") == true)
    }

    @Test("files that are missing, no files, or too large are named")
    func files() throws {
        let (folder, keys) = try made()
        try FileManager.default.removeItem(atPath: "\(folder.path)/worker.secret")
        let missing = #expect(throws: KeyError.self) { try keys.workerKeys() }
        #expect(
            missing?.description
                == "no key file \(folder.path)/worker.secret; copy worker.secret, worker.public and coordinator.public from "
                + "the coordinator's folder of keys, and name their folder with --keys")
        mkdir("\(folder.path)/worker.secret", 0o700)
        #expect(reason { try keys.workerKeys() } == .notAFile)
        try folder.write(String(repeating: "x", count: 1 << 21), to: "allowed-workers", mode: 0o600)
        #expect(reason { try keys.coordinatorKeys() } == .tooLarge(limit: KeyText.maximumBytes))
        mkfifo("\(folder.path)/pipe", 0o600)
        rename("\(folder.path)/pipe", "\(folder.path)/coordinator.public")
        #expect(reason { try keys.coordinatorKeys() } == .notAFile)
        try FileManager.default.removeItem(atPath: "\(folder.path)/coordinator.secret")
        let own = #expect(throws: KeyError.self) { try keys.coordinatorKeys() }
        #expect(
            own?.description
                == "no key file \(folder.path)/coordinator.secret; make a folder of keys with: lockstep keygen DIR")
    }

    @Test("a secret key and a public key of different pairs are refused")
    func pair() throws {
        let (folder, keys) = try made()
        try folder.write(try CurveKeyPair.make().publicKey.text, to: "coordinator.public")
        #expect(reason { try keys.coordinatorKeys() } == .notAPair)
    }

    @Test("no error shows a file's content")
    func silent() throws {
        let (folder, keys) = try made()
        let secret = try CurveKeyPair.make().secretKey.exportText()
        try folder.write(secret.dropLast() + "\n", to: "worker.secret", mode: 0o600)
        let error = #expect(throws: KeyError.self) { _ = try keys.workerKeys() }
        #expect(error?.reason == .notAKey(line: 1, characters: 39))
        #expect(error?.description.contains(secret.prefix(10)) == false)
    }
}

@Suite("Key files")
struct KeyTextTests {
    private let key = String(repeating: "HelloWorld", count: 4)

    @Test("comments, blanks and line ends of other systems may surround keys")
    func format() throws {
        let text = "# a comment\r\n#\n\n  \t\n\t\(key) of the host in the corner\r\n"
        #expect(try KeyText.publicKey(Array(text.utf8)).text == key)
        #expect(try KeyText.allowList(Array((text + key + "\n").utf8)).count == 1)
        #expect(try KeyText.allowList([]).isEmpty)
    }

    @Test("a key may start with the comment's character")
    func hash() throws {
        let odd = "#" + String(key.dropFirst())
        // Five characters that start with # encode more than 32 bits: the line is read as a key, and is not valid.
        #expect(throws: KeyText.Fault.notAKey(line: 1, characters: 40)) { try KeyText.publicKey(Array(odd.utf8)) }
        let inner = "0#" + String(key.dropFirst(2))
        #expect(try KeyText.publicKey(Array(inner.utf8)).text == inner)
    }

    @Test("an error in any other text names the line")
    func faults() {
        #expect(throws: KeyText.Fault.keyCount(0)) { try KeyText.publicKey(Array("# only\n".utf8)) }
        #expect(throws: KeyText.Fault.keyCount(2)) { try KeyText.secretKey(Array("\(key)\n\(key)".utf8)) }
        #expect(throws: KeyText.Fault.notAKey(line: 2, characters: 5)) {
            try KeyText.allowList(Array("\(key)\nshort\n".utf8))
        }
        #expect(throws: KeyText.Fault.notText) { try KeyText.publicKey([0xff, 0xfe]) }
    }
}
