import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// A worker process: a thin loop around ``WorkerMachine``, which decides everything.
///
/// Computing happens on this thread; libzmq's own thread keeps the heartbeat meanwhile.
final class WorkerLoop {
    let link: WorkerLink
    var poller: Poller
    private var spin = AdaptiveSpin()
    /// Nil in a process that is not the worker's alone.
    private var courtesy: Courtesy?
    var machine: WorkerMachine
    private var actions: [WorkerAction] = []
    let options: WorkerOptions
    private let shouldStop: () -> Bool
    var task: WorkerTask?
    /// Tasks of earlier runs: libzmq may still hold references to their gradients.
    var retired: [WorkerTask] = []
    /// The run's data set, or the part of it that has arrived.
    var data: (present: Dataset?, incoming: IncomingDataset?)
    /// Watches the connection over which shared memory came, and, once that has ended, says when the coordinator counts as
    /// lost if libzmq has not said so by then.
    var coordinatorEnd: (token: Poller.Token?, deadline: Instant?)
    var fault = InjectedFault.fromEnvironment
    /// What happened last, for whoever wants to know why this process failed.
    private(set) var history = MachineHistory<WorkerEvent, WorkerAction>()
    /// Whether it has ever been welcomed by a coordinator.
    var hasBeenMember = false

    init(
        link: WorkerLink, context: Context, deadlines: Deadlines, options: WorkerOptions, courtesy: Courtesy? = nil,
        interruption: Int32?, shouldStop: @escaping () -> Bool
    ) {
        self.link = link
        self.poller = Poller(context: context)
        self.machine = WorkerMachine(deadlines: deadlines, now: .now)
        self.options = options
        self.courtesy = courtesy
        self.shouldStop = shouldStop
        if let interruption { _ = poller.add(descriptor: interruption) }
    }

    /// Serves until the run is over; throws how it ended otherwise.
    func run() throws {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        while true {
            task?.timeline?.enter(.send)
            try link.flush()
            task?.timeline?.enter(.wait)
            try link.prepare(&poller)
            let deadline = Instant.earlier(machine.nextDeadline, coordinatorEnd.deadline)
            try spin.wait(&poller, until: Instant.earlier(deadline, link.nextDeadline))
            task?.timeline?.enter(.receive)
            link.noteReadiness(in: poller)
            while let event = try link.receive() {
                try take(event)
                if shouldStop() { break }
            }
            if shouldStop() { try handle(.stop) }
            try watchCoordinator()
            let now = Instant.now
            courtesy?.look(now: now)
            if let deadline = machine.nextDeadline, deadline <= now { try handle(.tick) }
        }
    }

    /// The end of the connection over which shared memory came is the coordinator's. libzmq sees it, too, and what the
    /// coordinator said last comes first.
    private func watchCoordinator() throws {
        if let token = coordinatorEnd.token, !poller.events(for: token).isEmpty, task?.regions?.hasEnded() == true {
            poller.remove(token)
            coordinatorEnd = (nil, Instant.now.advanced(bySeconds: 0.05))
        }
        if let deadline = coordinatorEnd.deadline, deadline <= .now {
            coordinatorEnd.deadline = nil
            try handle(.disconnected)
        }
    }

    /// Tells the coordinator, while there is one that listens, of an error that ends this process.
    func report(_ error: any Error) {
        // What was to be done when it struck is not done any more.
        actions.removeAll()
        try? handle(.unable(reason: "\(error)"))
    }

    // MARK: - The machine

    /// Takes an event in and does what comes of it.
    func handle(_ event: WorkerEvent) throws {
        follow(event)
        var index = 0
        while index < actions.count {
            try perform(actions[index])
            index += 1
        }
        actions.removeAll(keepingCapacity: true)
    }

    /// Takes an event in; what comes of it is added to the list.
    func follow(_ event: WorkerEvent) {
        let (now, first) = (Instant.now, actions.count)
        machine.handle(event, now: now, into: &actions)
        history.append(event, actions[first...], at: now)
    }
}
