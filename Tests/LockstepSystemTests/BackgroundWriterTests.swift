import Glibc
import LockstepTesting
import LockstepTimeline
import Testing

@testable import LockstepSystem

@Suite("Output on a thread of its own")
struct BackgroundWriterTests {
    /// A pipe; the test's end of it closes with this value.
    private final class Pipe {
        let reader: Int32
        let writer: Int32
        private var isReaderOpen = true

        init(isBlocking: Bool = true) throws {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            (reader, writer) = (ends[0], ends[1])
            if !isBlocking { _ = fcntl(writer, F_SETFL, O_NONBLOCK) }
        }

        deinit {
            closeReader()
            close(writer)
        }

        /// Writes until the pipe takes no more.
        func fill() {
            let flags = fcntl(writer, F_GETFL)
            _ = fcntl(writer, F_SETFL, flags | O_NONBLOCK)
            let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: 4_096)
            while write(writer, bytes, bytes.count) > 0 {}
            _ = fcntl(writer, F_SETFL, flags)
        }

        func read(_ count: Int) -> String {
            var bytes = [UInt8](repeating: 0, count: count)
            var done = 0
            while done < count {
                let got = bytes.withUnsafeMutableBytes {
                    Glibc.read(reader, $0.baseAddress?.advanced(by: done), count - done)
                }
                guard got > 0 else { break }
                done += got
            }
            return String(decoding: bytes.prefix(done), as: UTF8.self)
        }

        func closeReader() {
            guard isReaderOpen else { return }
            isReaderOpen = false
            close(reader)
        }
    }

    @Test("Text reaches several outputs, each in its order")
    func order() throws {
        let (first, second) = (try Pipe(), try Pipe())
        let writer = BackgroundWriter()
        for number in 0..<100 {
            writer.write("\(number)\n", to: number % 2 == 0 ? first.writer : second.writer)
        }
        writer.flush(until: .after(.seconds(60)))
        let expected = (0..<2).map { start in stride(from: start, to: 100, by: 2).map { "\($0)\n" }.joined() }
        #expect(first.read(expected[0].utf8.count) == expected[0])
        #expect(second.read(expected[1].utf8.count) == expected[1])
        #expect(writer.report(on: first.writer) == BackgroundWriter.Report())
    }

    @Test("An output that is not read holds up neither the caller nor another output", arguments: [true, false])
    func stalled(isBlocking: Bool) throws {
        let (stalled, other) = (try Pipe(isBlocking: isBlocking), try Pipe())
        stalled.fill()
        // The writer's thread keeps on trying: nothing else may get the descriptor's number.
        _ = Unmanaged.passRetained(stalled)
        let writer = BackgroundWriter(limit: 1_000)
        for _ in 0..<1_000 { writer.write("line of ten\n", to: stalled.writer) }
        writer.write("seen\n", to: other.writer)
        #expect(other.read(5) == "seen\n")
        writer.flush(until: .after(.seconds(60)), waitsForReaders: false)
        #expect(writer.report(on: stalled.writer) == BackgroundWriter.Report(failure: nil, lostLines: 1_000))
    }

    @Test("Lines that found no room are noted where they are missing, once there is room again")
    func gap() throws {
        let pipe = try Pipe()
        pipe.fill()
        let writer = BackgroundWriter(limit: 10)
        for line in ["12345678\n", "left out\n", "left out\n"] { writer.write(line, to: pipe.writer) }
        #expect(pipe.read(1 << 16).allSatisfy { $0 == "x" })
        writer.flush(until: .after(.seconds(60)))
        writer.write("last\n", to: pipe.writer)
        writer.flush(until: .after(.seconds(60)))
        let expected = "12345678\nlockstep: 2 lines are missing here: this output was not read in time\nlast\n"
        #expect(pipe.read(expected.utf8.count) == expected)
        #expect(writer.report(on: pipe.writer).lostLines == 2)
    }

    @Test("An output whose reader has gone, or whose disk is full, gets nothing more; the error is known")
    func failure() async {
        // SIGPIPE would end the tests.
        await #expect(processExitsWith: .success) {
            ignoreWriteSignals()
            let pipe = try Pipe()
            pipe.closeReader()
            let full = open("/dev/full", O_WRONLY)
            let writer = BackgroundWriter()
            for descriptor in [pipe.writer, full] {
                for _ in 0..<3 { writer.write("lost\n", to: descriptor) }
                writer.flush(until: .after(.seconds(60)))
                writer.write("lost\n", to: descriptor)
            }
            guard writer.report(on: pipe.writer) == .init(failure: EPIPE, lostLines: 4) else { exit(1) }
            guard writer.report(on: full) == .init(failure: ENOSPC, lostLines: 4) else { exit(2) }
            exit(0)
        }
    }

    @Test("A write to a pipe in non-blocking mode waits for its reader and loses nothing")
    func nonBlocking() throws {
        let pipe = try Pipe(isBlocking: false)
        let text = (0..<100_000).map { "line \($0)\n" }.joined()
        let descriptor = pipe.writer
        let thread = try Thread(name: "writer") {
            try? Array(text.utf8).withUnsafeBytes { try LockstepSystem.write($0, to: descriptor) }
        }
        #expect(pipe.read(text.utf8.count) == text)
        thread.join()
    }
}
