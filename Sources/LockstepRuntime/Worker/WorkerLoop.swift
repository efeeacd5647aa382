import LockstepCluster
import LockstepCompute
import LockstepData
import LockstepModel
import LockstepNumerics
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// A worker process: a thin loop around ``WorkerMachine``, which makes all decisions.
///
/// This thread also computes; meanwhile libzmq's own thread answers heartbeats.
final class WorkerLoop {
    let link: WorkerLink
    var poller: Poller
    /// How this thread waits, and the policy of this process; nil in a process that also does other work.
    private var scheduling: (spin: AdaptiveSpin, policy: SchedulingPolicy?)
    var machine: WorkerMachine
    private var actions: [WorkerAction] = []
    let options: WorkerOptions
    let stop: StopRequest
    var task: WorkerTask?
    /// What computes for this worker; nil: this thread.
    var aggregator: Aggregator?
    /// Tasks of earlier runs: libzmq may still hold references to their gradients.
    var retired: [WorkerTask] = []
    /// The run's data set, or the part of it that has arrived. `check` reads the present data set again; nil before the first
    /// proof, and for a data set that the coordinator shares and checks itself.
    var data: (present: Dataset?, incoming: IncomingDataset?, check: OwnDatasetCheck?)
    var coordinatorEnd = CoordinatorEnd()
    var fault = InjectedFault.fromEnvironment
    /// The last events and actions, from which a user can tell why this process failed.
    private(set) var history = MachineHistory<WorkerEvent, WorkerAction>()
    /// Whether a coordinator has ever welcomed this process.
    var hasBeenMember = false

    /// Whether the process was told to stop.
    struct StopRequest {
        let isMade: () -> Bool
        /// Calls a function, during which the request ends the process at once: it may take long or hang, and there is
        /// nothing to save. Returns false, without a call, if the request was made before.
        var unlessMade: (_ body: () -> Void) -> Bool = { body in
            body()
            return true
        }
    }

    init(
        link: WorkerLink, context: Context, deadlines: Deadlines, options: WorkerOptions,
        schedulingPolicy: SchedulingPolicy? = nil, interruption: Int32?, stop: StopRequest
    ) {
        self.link = link
        self.poller = Poller(context: context)
        self.machine = WorkerMachine(
            deadlines: deadlines, endsOnlyWhenFinished: options.endsOnlyWhenFinished, now: .now)
        self.options = options
        self.scheduling = (AdaptiveSpin(), schedulingPolicy)
        self.stop = stop
        if let interruption { _ = poller.add(descriptor: interruption) }
    }

    /// Serves until the machine decides to exit.
    ///
    /// - Throws: `WorkerEnding`, also when the run is over; ``NoCoordinator`` in place of its `noCoordinator`; any other error
    ///   that ends this process.
    func run() throws {
        let mode = FloatingPointMode.flushSubnormals()
        defer { mode.restore() }
        let manager = ServiceManager.current
        while true {
            if let aggregator {
                try serve(aggregator)
                continue
            }
            task?.timeline?.enter(.send)
            try link.flush()
            task?.timeline?.enter(.wait)
            try link.prepare(&poller)
            let ownDeadline = Instant.earlier(machine.nextDeadline, coordinatorEnd.deadline)
            let deadline = Instant.earlier(ownDeadline, manager?.nextPing)
            let readiness = try scheduling.spin.wait(
                &poller, until: Instant.earlier(deadline, link.nextDeadline), mail: mail)
            task?.timeline?.enter(.receive)
            try receiveMail()
            if readiness == .sockets { try receiveMessages() }
            if stop.isMade() { try handle(.stop) }
            if readiness == .sockets { try watchCoordinator() }
            let now = Instant.now
            let wakeUps = scheduling.spin.wakeUps
            scheduling.policy?.check(now: now, wakeUps: wakeUps)
            manager?.ping(now: now)
            if let deadline = machine.nextDeadline, deadline <= now { try handle(.tick) }
        }
    }

    /// The coordinator's mailbox; nil if there is none.
    private var mail: AdaptiveSpin.Mail? {
        guard let regions = task?.regions, regions.usesMailbox else { return nil }
        return AdaptiveSpin.Mail(nextTime: { regions.nextMailTime }, setAsleep: { regions.setAsleep($0) })
    }

    private func receiveMessages() throws {
        link.recordReadiness(in: poller)
        while let event = try link.receive() {
            // The coordinator may have put records before it sent this message.
            try receiveMail()
            try receive(event)
            if stop.isMade() { break }
        }
    }

    /// Leaves a coordinator whose process has ended while libzmq does not report it.
    private func watchCoordinator() throws {
        guard coordinatorEnd.isOverdue(&poller, hasEnded: { task?.regions?.hasEnded() == true }) else { return }
        link.reconnect()
        try handle(.disconnected)
    }

    /// Reports an error that ends this process to the coordinator, if it is still connected.
    func report(_ error: any Error) {
        // The actions that the error interrupted are void.
        actions.removeAll()
        try? handle(error is ModelFailure ? .modelFailed(reason: "\(error)") : .unable(reason: "\(error)"))
    }

    // MARK: - The machine

    /// Handles an event and performs the actions that follow from it.
    func handle(_ event: WorkerEvent) throws {
        enqueue(event)
        var index = 0
        while index < actions.count {
            try perform(actions[index])
            index += 1
        }
        actions.removeAll(keepingCapacity: true)
    }

    /// Calls a function that may take long, unless the process was told to stop; then it stops.
    func unlessStopped(_ body: () -> Void) {
        if !stop.unlessMade(body) { enqueue(.stop) }
    }

    /// Handles an event and appends the actions that follow from it to the list. The caller performs them.
    func enqueue(_ event: WorkerEvent) {
        let (now, first) = (Instant.now, actions.count)
        machine.handle(event, now: now, into: &actions)
        history.append(event, actions[first...], at: now)
    }
}
