import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// What a coordinator's loop calls in the process around it.
struct ProcessHooks {
    /// Reports joins, losses and refusals to people.
    var notify: (ClusterNotice, _ step: UInt64?, _ logTail: [String]) -> Void
    /// Throws if waiting is pointless: a signal asked the process to stop, or all local workers have died.
    var check: (_ isGathering: Bool, _ activeWorkers: Int) throws -> Void
    /// When `check` is due at the latest.
    var nextCheck: () -> Instant?
    /// The number of restarts of dead workers so far.
    var restarts: () -> Int = { 0 }
    /// Descriptors whose readiness ends a wait.
    var descriptors: [Int32]
}

/// Carries out the machine's actions, and turns messages into events.
protocol CoordinatorLoopDelegate: AnyObject {
    /// Whether the loop may poll for a while before it sleeps.
    var maySpin: Bool { get }
    /// The mailboxes of the workers that share memory; nil if there are none.
    var mail: AdaptiveSpin.Mail? { get }
    /// Handles the records in the workers' mailboxes; with `stopsWhenComplete` up to the one that completes the step, because
    /// the update comes first.
    func receiveMail(stopsWhenComplete: Bool, _ push: (PartialResult) throws -> Void) throws
    func perform(_ action: CoordinatorAction, _ push: (PartialResult) throws -> Void) throws
    func receive(_ event: CoordinatorLink.Event, _ push: (PartialResult) throws -> Void) throws
    func receive(_ event: RegionServer.Event) throws
    /// Tells the machine whose payload is under way, before it checks deadlines.
    func reportTransfers() throws
}

/// A worker's loop on the same thread, for which the coordinator's loop waits too: the worker is itself a coordinator.
protocol CoordinatorLoopGuest: AnyObject {
    /// When the wait must end at the latest.
    var nextDeadline: Instant? { get }
    /// Sends what waits, and has the poller watch the guest's sockets.
    func prepare(_ poller: inout Poller) throws
    /// Records whether the wait found events of these sockets. The guest handles them once the loop's poll has returned.
    func recordReadiness(in poller: borrowing Poller)
}

/// The coordinator's loop. It waits for messages, gives events to the ``CoordinatorMachine``, which decides everything,
/// and has the machine's actions carried out. Nothing else in a coordinator waits or gives the machine the time.
final class CoordinatorLoop {
    let link: CoordinatorLink
    private(set) var machine: CoordinatorMachine
    weak var delegate: (any CoordinatorLoopDelegate)?
    weak var guest: (any CoordinatorLoopGuest)?
    private let hooks: ProcessHooks
    private let timeline: Timeline?
    private var poller: Poller
    private var spin = AdaptiveSpin()
    private var regions: (server: RegionServer, token: Poller.Token)?
    /// The machine's actions that are being carried out.
    private var actions: [CoordinatorAction] = []
    /// Whether the list of actions is being carried out. An event that an action causes only appends to the list.
    private var isPerforming = false
    /// Whether the loop still waits for the workers that the first step needs.
    private var isGathering = true
    /// Whether the machine knows that unread messages have arrived.
    private var hasBacklog = false
    /// Records events and actions in a file; nil: no record.
    private let record: EventRecordFile?
    /// The last events and actions, which explain a failure.
    private var history = MachineHistory<CoordinatorEvent, CoordinatorAction>()

    private static let eventsBetweenChecks = 4_096

    init(
        link: CoordinatorLink, context: Context, configuration: CoordinatorMachine.Configuration,
        regions: RegionServer?, record: EventRecordFile?, timeline: Timeline?, hooks: ProcessHooks
    ) {
        let now = Instant.now
        self.link = link
        self.record = record
        self.timeline = timeline
        self.hooks = hooks
        machine = CoordinatorMachine(configuration: configuration, now: now)
        record?.begin(configuration, now: now)
        record?.whenBroken = { hooks.notify(.recordBroken(reason: "\($0)"), nil, []) }
        poller = Poller(context: context)
        link.register(in: &poller)
        if let regions { self.regions = (regions, poller.add(descriptor: regions.descriptor)) }
        for descriptor in hooks.descriptors { _ = poller.add(descriptor: descriptor) }
        actions.reserveCapacity(256)
    }

    /// The number of restarts of dead workers so far.
    var restarts: Int { hooks.restarts() }
    /// A line for each of the last events and actions, the oldest first.
    var historyLines: [String] { history.lines }

    /// Waits for the workers that the first step needs.
    func gather() throws {
        while !machine.canStart { try poll { _ in } }
        isGathering = false
    }

    /// Waits for so many processes until a deadline, and for one in any case.
    func gather(_ processes: Int, until deadline: Instant) throws {
        while !machine.canStart || machine.activeCount < processes && deadline > .now {
            try poll(until: deadline > .now ? deadline : nil) { _ in }
        }
        isGathering = false
    }

    /// Calls a function with the poller, outside of a poll.
    func withPoller(_ body: (inout Poller) -> Void) { body(&poller) }

    /// Gives an event to the machine and carries out the machine's actions, including the actions that follow from
    /// events that they cause.
    func handle(_ event: CoordinatorEvent, _ push: (PartialResult) throws -> Void = { _ in }) throws {
        let now = Instant.now
        let first = actions.count
        machine.handle(event, now: now, into: &actions)
        history.append(event, actions[first...], at: now)
        if let record { record.append(event, now: now, actions: actions[first...]) }
        guard !isPerforming else { return }
        isPerforming = true
        defer {
            actions.removeAll(keepingCapacity: true)
            isPerforming = false
        }
        var index = 0
        while index < actions.count {
            try delegate?.perform(actions[index], push)
            index += 1
        }
    }

    /// Waits until something arrives or a deadline passes, at most until `limit`, and handles it.
    ///
    /// - Parameters:
    ///   - limit: When to return at the latest; nil: no limit.
    ///   - push: Called with partial results.
    /// - Throws: The error that ends the run.
    func poll(
        until limit: Instant? = nil, _ push: (PartialResult) throws -> Void
    ) throws {
        timeline?.enter(.send)
        try link.flush()
        try guest?.prepare(&poller)
        let ownDeadline = Instant.earlier(
            Instant.earlier(machine.nextDeadline, link.nextDeadline), guest?.nextDeadline)
        let deadline = Instant.earlier(Instant.earlier(ownDeadline, hooks.nextCheck()), limit)
        timeline?.enter(.wait)
        let readiness = try spin.wait(
            &poller, until: link.hasPendingEvents ? .now : deadline, spinning: delegate?.maySpin ?? false,
            mail: delegate?.mail)
        timeline?.enter(.receive)
        defer { timeline?.enter(.other) }
        try delegate?.receiveMail(stopsWhenComplete: true, push)
        // Deadlines and signals wait until the sockets are looked at again, within some milliseconds.
        if readiness == .mail { return }
        link.recordReadiness(in: poller)
        guest?.recordReadiness(in: poller)
        if let (server, token) = regions, !poller.events(for: token).isEmpty {
            try server.process { event in try delegate?.receive(event) }
        }
        var isQuiet = true
        var mustCheck = hooks.nextCheck().map { $0 <= .now } ?? false
        // Bounded, so that a flood of messages does not keep the loop from deadlines and signals.
        for _ in 0..<Self.eventsBetweenChecks {
            guard let event = try link.receive() else { break }
            // The peer may have put records before it sent this message.
            try delegate?.receiveMail(stopsWhenComplete: false, push)
            try delegate?.receive(event, push)
            switch event {
            case .message: isQuiet = false
            case .lost, .garbage: mustCheck = true
            case .rejected: break
            }
            // The step is complete: the update comes before other messages.
            if !isGathering && machine.isWorkComplete && !mustCheck { return }
        }
        if link.hasUnread != hasBacklog {
            hasBacklog = link.hasUnread
            try handle(.inputBacklog(hasBacklog), push)
        }
        if !hasBacklog, let deadline = machine.nextDeadline, deadline <= .now {
            try delegate?.reportTransfers()
            try handle(.tick, push)
        }
        if isQuiet || mustCheck || hasBacklog { try hooks.check(isGathering, machine.activeCount) }
    }

    /// Dismisses every worker and closes the socket.
    func finish(_ goodbye: Goodbye) throws {
        defer { record?.flush() }
        try handle(.stop(goodbye))
        link.close()
    }
}
