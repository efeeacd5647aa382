import Glibc
import Testing
import ZeroMQ

/// These tests need a context of their own, and so each runs in a child process.
@Suite("Contexts")
struct ContextTests {
    @Test("a context ends after its sockets are closed, and then makes no more")
    func termination() async {
        await #expect(processExitsWith: .success) {
            let context = try Context(Context.Options(ioThreads: 2, maxSockets: 10))
            do {
                let socket = try context.socket(.dealer)
                let error = #expect(throws: ZeroMQError.self) { try context.terminate() }
                #expect(error?.description == "cannot end the ZeroMQ context: 1 socket is still open")
                try socket.connect(Endpoint("tcp://127.0.0.1:9"))
                try socket.send(try Message(copying: [1]))
                _ = consume socket
            }
            #expect(context.openSockets == 0)
            try context.terminate()
            try context.terminate()
            let error = #expect(throws: ZeroMQError.self) { _ = try context.socket(.dealer) }
            #expect(error?.isContextTerminated == true)
        }
    }

    @Test("a shutdown ends the waits of other threads")
    func shutdown() async {
        await #expect(processExitsWith: .success) {
            let context = try Context()
            let waiting = Task.detached {
                let socket = try context.socket(.router)
                try socket.bind(inproc: "unconnected")
                var message = Message()
                _ = try socket.receive(into: &message)
            }
            context.shutdown()
            let error = await #expect(throws: ZeroMQError.self) { try await waiting.value }
            #expect(error?.isContextTerminated == true)
            try context.terminate()
        }
    }

    @Test("dropping a context with unsent messages does not wait")
    func dropping() async {
        await #expect(processExitsWith: .success) {
            do {
                let context = try Context()
                let socket = try context.socket(.dealer)
                try socket.connect(Endpoint("tcp://127.0.0.1:9"))
                try socket.send(try Message(copying: [1]))
                // No limit: a caller that waited for this message would wait for ever.
                socket.close(linger: -1)
            }
        }
    }

    @Test("too many sockets are an error with a remedy")
    func tooManySockets() async {
        await #expect(processExitsWith: .success) {
            let context = try Context(Context.Options(maxSockets: 1))
            let first = try context.socket(.dealer)
            let error = #expect(throws: ZeroMQError.self) { _ = try context.socket(.dealer) }
            #expect(error?.code == EMFILE)
            #expect(error?.description.contains("use fewer sockets") == true)
            _ = consume first
        }
    }

    @Test("an interrupted wait continues until the check says to stop")
    func interruption() async {
        await #expect(processExitsWith: .success) {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = ignore
            sigaction(SIGUSR1, &action, nil)
            // The threads that run tests block all signals.
            var signals = sigset_t()
            sigaddset(&signals, SIGUSR1)
            pthread_sigmask(SIG_UNBLOCK, &signals, nil)
            let checks = Counter()
            let context = try Context(Context.Options(isInterrupted: { checks.increment() % 3 == 0 }))
            let socket = try context.socket(.dealer)
            var poller = Poller(context: context)
            _ = poller.add(socket)
            let done = Counter()
            let target = pthread_self()
            Task.detached {
                while done.value == 0 {
                    pthread_kill(target, SIGUSR1)
                    usleep(1000)
                }
            }
            #expect(try poller.wait(timeoutMilliseconds: -1) == .interrupted)
            #expect(checks.value == 3)
            var message = Message()
            let error = #expect(throws: ZeroMQError.self) { _ = try socket.receive(into: &message) }
            #expect(error?.isInterrupted == true)
            #expect(checks.value == 6)
            _ = done.increment()
        }
    }

    @Test("the library reports its version")
    func version() {
        #expect(ZeroMQLibrary.version.hasPrefix("4."))
        #expect(ZeroMQLibrary.hasCurve)
    }
}

private func ignore(signal: Int32) {}
