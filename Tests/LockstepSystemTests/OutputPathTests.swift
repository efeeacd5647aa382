import Glibc
import LockstepSystem
import LockstepTesting
import Testing

@Suite("Paths of outputs")
struct OutputPathTests {
    /// Writes a text as a command does; returns the error number, 0 if there is none.
    private func write(_ text: String, to path: String) -> Int32 {
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            do throws(SystemError) {
                try FileReplacement.write(path, [UnsafeRawBufferPointer(bytes)]) { $0 }
                return 0
            } catch {
                return error.code
            }
        }
    }

    private func status(of path: String) -> stat {
        var status = stat()
        _ = lstat(path, &status)
        return status
    }

    @Test("A path is looked at through its links")
    func kinds() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(text: "old", to: "file")
        #expect(mkfifo(folder("pipe"), 0o600) == 0)
        for (target, link) in [
            ("file", "link"), ("link", "chain"), ("gone", "dangling"), ("pipe", "to-pipe"), ("/dev/null", "null"),
            ("/dev/stdout", "output"), ("loop", "loop"),
        ] {
            #expect(symlink(target, folder(link)) == 0)
        }
        for name in ["file", "link", "chain"] { #expect(OutputPath(folder(name)) == .file(file)) }
        #expect(OutputPath(folder("dangling")) == .file(folder("gone")))
        #expect(OutputPath(folder("new")) == .file(folder("new")))
        #expect(OutputPath(folder.path) == .file(folder.path))
        for name in ["pipe", "to-pipe", "null"] { #expect(OutputPath(folder(name)) == .special) }
        for path in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", folder("output")] {
            #expect(OutputPath(path) == .descriptor(1))
        }
        #expect(write("x", to: folder("loop")) == ELOOP)
        #expect(write("x", to: folder.path) == EISDIR)
    }

    @Test("A file is replaced through a link, and keeps its permissions")
    func link() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(text: "old", to: "deep/file")
        #expect(chmod(file, 0o640) == 0 && symlink("deep/file", folder("link")) == 0)
        let before = status(of: file)
        #expect(write("new", to: folder("link")) == 0)
        #expect(try text(of: file) == "new" && folder.names() == ["deep", "link"])
        #expect(status(of: folder("link")).st_mode & S_IFMT == S_IFLNK)
        #expect(status(of: file).st_mode & 0o777 == 0o640 && status(of: file).st_ino != before.st_ino)
        #expect(symlink("later", folder("dangling")) == 0 && write("new", to: folder("dangling")) == 0)
        #expect(try text(of: folder("later")) == "new")
    }

    @Test("What is no regular file is written and stays what it is")
    func special() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo(folder("pipe"), 0o600) == 0 && symlink("/dev/null", folder("null")) == 0)
        let reader = open(folder("pipe"), O_RDWR)
        defer { close(reader) }
        #expect(write("through", to: folder("pipe")) == 0 && write("away", to: folder("null")) == 0)
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(read(reader, &bytes, bytes.count) == 7 && bytes.starts(with: "through".utf8))
        #expect(status(of: folder("pipe")).st_mode & S_IFMT == S_IFIFO)
        #expect(try folder.names() == ["null", "pipe"])
    }

    @Test("An open descriptor is written at its position")
    func descriptor() throws {
        let folder = try TemporaryFolder()
        let file = open(folder("file"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(file) }
        for word in ["one ", "two "] { #expect(write(word, to: "/dev/fd/\(file)") == 0) }
        #expect(try text(of: folder("file")) == "one two ")
        #expect(write("x", to: "/dev/fd/987") == EBADF)
    }

    @Test("A file that cannot be replaced, because it is mounted, is overwritten", .enabled(if: geteuid() == 0))
    func mounted() throws {
        let folder = try TemporaryFolder()
        let (file, place) = (try folder.write(text: "long before", to: "file"), try folder.write(text: "", to: "place"))
        guard mount(file, place, nil, UInt(MS_BIND), nil) == 0 else { return }
        defer { umount2(place, Int32(MNT_DETACH)) }
        #expect(write("after", to: place) == 0)
        #expect(try text(of: file) == "after" && folder.names() == ["file", "place"])
    }

    @Test("Only this user's old files with the right names are removed")
    func oldFiles() throws {
        let folder = try TemporaryFolder()
        for name in ["old.tmp", "young.tmp", "old.txt"] { try folder.write(text: "", to: name) }
        #expect(mkdir(folder("folder.tmp"), 0o700) == 0)
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        for name in ["old.tmp", "old.txt", "folder.tmp"] { #expect(utimensat(AT_FDCWD, folder(name), &times, 0) == 0) }
        removeOldFiles(in: folder.path, untouchedFor: 60) { $0.hasSuffix(".tmp") }
        #expect(try folder.names() == ["folder.tmp", "old.txt", "young.tmp"])
    }
}
