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
    /// Handles the records in the workers' mailboxes.
    func receiveMail(_ push: (PartialResult) throws -> Void) throws
    func perform(_ action: CoordinatorAction, _ push: (PartialResult) throws -> Void) throws
    func receive(_ event: CoordinatorLink.Event, _ push: (PartialResult) throws -> Void) throws
    func receive(_ event: RegionServer.Event) throws
    /// Tells the machine whose payload is under way, before it checks deadlines.
    func reportTransfers() throws
}

/// The coordinator's loop. It waits for messages, gives events to the ``CoordinatorMachine``, which decides everything,
/// and has the machine's actions carried out. Nothing else in a coordinator waits or gives the machine the time.
final class CoordinatorLoop {
    let link: CoordinatorLink
    private(set) var machine: CoordinatorMachine
    weak var delegate: (any CoordinatorLoopDelegate)?
    private let hooks: ProcessHooks
    private let timeline: Timeline?
    private var poller: Poller
    private var spin = AdaptiveSpin()
    private let regions: RegionServer?
    private var regionToken: Poller.Token?
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
        self.regions = regions
        self.record = record
        self.timeline = timeline
        self.hooks = hooks
        machine = CoordinatorMachine(configuration: configuration, now: now)
        record?.begin(configuration, now: now)
        record?.whenBroken = { hooks.notify(.recordBroken(reason: "\($0)"), nil, []) }
        poller = Poller(context: context)
        link.register(in: &poller)
        regionToken = regions.map { poller.add(descriptor: $0.descriptor) }
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
        let ownDeadline = Instant.earlier(machine.nextDeadline, link.nextDeadline)
        let deadline = Instant.earlier(Instant.earlier(ownDeadline, hooks.nextCheck()), limit)
        timeline?.enter(.wait)
        let readiness = try spin.wait(
            &poller, until: link.hasPendingEvents ? .now : deadline, spinning: delegate?.maySpin ?? false,
            mail: delegate?.mail)
        timeline?.enter(.receive)
        defer { timeline?.enter(.other) }
        try delegate?.receiveMail(push)
        // Deadlines and signals wait until the sockets are looked at again, within some milliseconds.
        if readiness == .mail { return }
        link.recordReadiness(in: poller)
        if let regions, let token = regionToken, !poller.events(for: token).isEmpty {
            try regions.process { event in try delegate?.receive(event) }
        }
        var isQuiet = true
        var mustCheck = hooks.nextCheck().map { $0 <= .now } ?? false
        // Bounded, so that a flood of messages does not keep the loop from deadlines and signals.
        for _ in 0..<Self.eventsBetweenChecks {
            guard let event = try link.receive() else { break }
            // The peer may have put records before it sent this message.
            try delegate?.receiveMail(push)
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
