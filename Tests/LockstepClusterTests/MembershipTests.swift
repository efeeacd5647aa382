import LockstepProtocol
import LockstepTimeline
import Testing

@testable import LockstepCluster

@Suite("Membership")
struct MembershipTests {
    private typealias Fixture = ClusterFixture

    /// A refusal's code instead of its text, which is for people.
    private func summary(_ actions: [CoordinatorAction]) -> [String] {
        actions.map { action in
            switch action {
            case .welcome(let peer, let member): "welcome \(peer.rawValue) as \(member.rawValue)"
            case .refuse(let peer, let refusal): "refuse \(peer.rawValue): \(refusal.code)"
            case .sendData(let peer, _, let offset, let count): "data \(peer.rawValue): \(offset)+\(count)"
            case .dismiss(let peer, _, let goodbye): "dismiss \(peer.rawValue): \(goodbye.code)"
            case .notify(.joined(let info, let active)): "joined \(info.id.rawValue), \(active) active"
            case .notify(.joinedWithOtherBits(let info, _, let active)):
                "joined \(info.id.rawValue) with other bits, \(active) active"
            case .notify(.refused(_, let refusal)): "refused: \(refusal.code)"
            case .notify(.outdated(let info, let member)):
                "outdated for \(info.id.rawValue), as \(member.map { "\($0.rawValue)" } ?? "another run")"
            case .notify(.quarantined(let info, _, let node, let active)):
                "quarantined \(info.id.rawValue) for node \(node), \(active) active"
            case .notify(.dataChanged(let info, let active, let isHostExcluded)):
                "data changed at \(info.id.rawValue), \(active) active\(isHostExcluded ? ", host excluded" : "")"
            default: "\(action)"
            }
        }
    }

    @Test("A hello is welcomed, or refused with the reason's code")
    func hellos() {
        var membership = Membership(configuration: Fixture.configuration(maximumWorkers: 1))
        let hellos: [(peer: PeerID, hello: Hello, isEnding: Bool, expected: [String])] = [
            (1, Fixture.hello(1), false, ["welcome 1 as 1"]),
            (2, Fixture.hello(2, version: "2"), false, ["refuse 2: programVersion", "refused: programVersion"]),
            (3, Fixture.hello(3), true, ["refuse 3: ending", "refused: ending"]),
            (4, Fixture.hello(4), false, ["welcome 4 as 2"]),
            (5, Fixture.hello(5), false, ["refuse 5: full", "refused: full"]),
        ]
        for (peer, hello, isEnding, expected) in hellos {
            var actions: [CoordinatorAction] = []
            membership.admit(peer, hello, isEnding: isEnding, now: .zero, into: &actions)
            #expect(summary(actions) == expected)
            if peer == 4 { _ = membership.prove(4, 2, Fixture.ready, sharesMemory: false, into: &actions) }
        }
        #expect(membership.count == 1)
    }

    @Test(
        "A run that is full says how many workers it has", arguments: [(1, "its one worker"), (2, "all its 2 workers")])
    func fullness(workers: Int, expected: String) {
        var membership = Membership(configuration: Fixture.configuration(maximumWorkers: workers))
        var actions: [CoordinatorAction] = []
        for number in 1...UInt32(workers) {
            membership.admit(
                PeerID(rawValue: number), Fixture.hello(number), isEnding: false, now: .zero, into: &actions)
            _ = membership.prove(
                PeerID(rawValue: number), MemberID(rawValue: number), Fixture.ready, sharesMemory: false, into: &actions
            )
        }
        actions = []
        membership.admit(9, Fixture.hello(9), isEnding: false, now: .zero, into: &actions)
        let texts = actions.compactMap { if case .refuse(_, let refusal) = $0 { refusal.message } else { nil } }
        #expect(texts == ["the run has \(expected); raise --workers to admit more"])
    }

    @Test("Processes count: a worker of three has no place where there is room for two, and gives three places back")
    func processes() {
        var membership = Membership(configuration: Fixture.configuration(maximumWorkers: 4))
        var actions: [CoordinatorAction] = []
        for (peer, processes) in [(1, 2), (2, 3)] as [(UInt32, Int)] {
            membership.admit(
                PeerID(rawValue: peer), Fixture.hello(peer, processes: processes), isEnding: false, now: .zero,
                into: &actions)
        }
        _ = membership.prove(1, 1, Fixture.ready, sharesMemory: false, into: &actions)
        actions = []
        _ = membership.prove(2, 2, Fixture.ready, sharesMemory: false, into: &actions)
        let texts = actions.compactMap { if case .refuse(_, let refusal) = $0 { refusal.message } else { nil } }
        #expect(
            texts == [
                "the run has room for 2 of at most 4 worker processes, and this worker has 3; start it with "
                    + "--processes 2, or raise --workers to admit more"
            ])
        #expect(membership.activeCount == 2)
        _ = membership.remove(at: 0)
        #expect(membership.activeCount == 0)
        actions = []
        membership.admit(3, Fixture.hello(3, processes: 4), isEnding: false, now: .zero, into: &actions)
        _ = membership.prove(3, 3, Fixture.ready, sharesMemory: false, into: &actions)
        #expect(membership.activeCount == 4 && summary(actions).last == "joined 3, 4 active")
    }

    @Test("Peers that say hello and prove nothing take no place; one that proves itself too late is refused")
    func strangers() {
        var membership = Membership(configuration: Fixture.configuration(maximumWorkers: 2))
        var actions: [CoordinatorAction] = []
        for number in 1...800 as ClosedRange<UInt32> {
            membership.admit(
                PeerID(rawValue: number), Fixture.hello(number), isEnding: false, now: .zero, into: &actions)
        }
        #expect(membership.count == 0 && !summary(actions).contains { !$0.hasPrefix("welcome") })
        actions.removeAll()
        for number in [800, 20, 500] as [UInt32] {
            _ = membership.prove(
                PeerID(rawValue: number), MemberID(rawValue: number), Fixture.ready, sharesMemory: false, into: &actions
            )
        }
        #expect(
            summary(actions) == ["joined 800, 1 active", "joined 20, 2 active", "refuse 500: full", "refused: full"])
        // In the order of their numbers, not of their proofs.
        #expect(membership.indices.map { membership[$0].id.rawValue } == [20, 800])
    }

    @Test("The candidate that has been silent longest makes room for a newcomer, and may say hello again")
    func crowd() {
        var membership = Membership(configuration: Fixture.configuration())
        var actions: [CoordinatorAction] = []
        let most = UInt32(Candidates.most)
        for number in 1...most {
            membership.admit(
                PeerID(rawValue: number), Fixture.hello(number), isEnding: false, now: .milliseconds(Double(number)),
                into: &actions)
        }
        // The first asks for data, so the second has been silent longest.
        #expect(membership.serveData(1, 1, offset: 0, count: 1, now: .milliseconds(9_000), into: &actions))
        actions.removeAll()
        let newcomer = PeerID(rawValue: most + 1)
        membership.admit(newcomer, Fixture.hello(0), isEnding: false, now: .milliseconds(9_500), into: &actions)
        let reason = ClusterNotice.notProved(
            Fixture.info(2), reason: "too many others ask to join", saidGoodbye: false)
        #expect(
            summary(actions)
                == ["refuse 2: rejoin", "\(CoordinatorAction.notify(reason))", "welcome \(most + 1) as \(most + 1)"])
        #expect(membership.candidate(1) != nil && membership.candidate(2) == nil)
        #expect(membership.nextProofDeadline == .milliseconds(60_003))
    }

    @Test("The same hello again changes nothing; another one, or one of an active member, is a new start")
    func standing() {
        var membership = Membership(configuration: Fixture.configuration())
        var actions: [CoordinatorAction] = []
        #expect(membership.standing(of: 1, saying: Fixture.hello(1)) == .new)
        membership.admit(1, Fixture.hello(1), isEnding: false, now: .zero, into: &actions)
        #expect(membership.standing(of: 1, saying: Fixture.hello(1)) == .repeated(1))
        #expect(membership.standing(of: 1, saying: Fixture.hello(2)) == .new)
        #expect(
            membership.prove(1, 1, Fixture.ready, sharesMemory: false, into: &actions) == .accepted(isSameKernel: true))
        #expect(membership.standing(of: 1, saying: Fixture.hello(1)) == .restarted(index: 0))
    }

    @Test(
        "A proof makes a member active if its fingerprint is the coordinator's, or mixed kernels are allowed",
        arguments: [
            (false, false, ["joined 1, 1 active"], 1), (false, true, ["joined 1, 1 active"], 1),
            (true, false, ["refuse 1: fingerprint", "refused: fingerprint"], 0),
            (true, true, ["joined 1 with other bits, 1 active"], 1),
        ] as [(Bool, Bool, [String], Int)])
    func proofs(isOther: Bool, allowsMixedKernels: Bool, expected: [String], active: Int) {
        var membership = Membership(configuration: Fixture.configuration(allowsMixedKernels: allowsMixedKernels))
        var actions: [CoordinatorAction] = []
        membership.admit(1, Fixture.hello(1), isEnding: false, now: .zero, into: &actions)
        actions.removeAll()
        let ready = isOther ? Fixture.otherReady : Fixture.ready
        let proof = membership.prove(1, 1, ready, sharesMemory: true, into: &actions)
        #expect(proof == (active == 1 ? .accepted(isSameKernel: !isOther) : .ignored))
        #expect(summary(actions) == expected && membership.activeCount == active && membership.count == active)
        actions.removeAll()
        // Twice counts once, and a member that has gone is unknown.
        #expect(membership.prove(1, 1, ready, sharesMemory: true, into: &actions) == .ignored)
        #expect(summary(actions) == (active == 1 ? [] : ["refuse 1: rejoin"]))
    }

    @Test("A preparing member is served the data set, and each piece moves its deadline on")
    func data() {
        var membership = Membership(configuration: Fixture.configuration())
        var actions: [CoordinatorAction] = []
        membership.admit(1, Fixture.hello(1), isEnding: false, now: .zero, into: &actions)
        #expect(membership.nextProofDeadline == .milliseconds(60_000))
        let requests: [(offset: UInt64, count: Int, isValid: Bool, expected: [String])] = [
            (0, 600, true, ["data 1: 0+600"]), (600, 400, true, ["data 1: 600+400"]), (600, 401, false, []),
            (1_000, 1, false, []), (0, 0, false, []), (0, -1, false, []), (.max, 1, false, []),
        ]
        for (offset, count, isValid, expected) in requests {
            actions.removeAll()
            let answer = membership.serveData(
                1, 1, offset: offset, count: count, now: .milliseconds(500), into: &actions)
            #expect(answer == isValid && summary(actions) == expected, "\(offset)+\(count)")
        }
        #expect(membership.nextProofDeadline == .milliseconds(60_500))
        membership.removeOverdue(at: .milliseconds(60_499), into: &actions)
        #expect(membership.candidate(1) != nil)
        _ = membership.prove(1, 1, Fixture.ready, sharesMemory: false, into: &actions)
        #expect(membership.nextProofDeadline == nil && membership.count == 1)
        membership.admit(2, Fixture.hello(2), isEnding: false, now: .zero, into: &actions)
        actions.removeAll()
        membership.removeOverdue(at: .milliseconds(60_000), into: &actions)
        #expect(summary(actions).first == "refuse 2: rejoin" && membership.candidate(2) == nil)
        actions.removeAll()
        #expect(membership.serveData(1, 1, offset: 0, count: 9_999, now: .zero, into: &actions) && actions.isEmpty)
    }

    @Test("An unknown sender is told to say hello again, unless its connection has a present member")
    func unknown() {
        let membership = Fixture.membership(of: 1)
        let messages: [(peer: PeerID, member: MemberID?, expected: [String])] = [
            (2, 9, ["refuse 2: rejoin"]), (2, nil, ["refuse 2: rejoin"]),
            (1, 9, ["outdated for 1, as 9"]), (1, nil, ["outdated for 1, as another run"]),
        ]
        for (peer, member, expected) in messages {
            var actions: [CoordinatorAction] = []
            membership.rejectUnknown(peer, as: member, into: &actions)
            #expect(summary(actions) == expected)
        }
    }

    @Test("The process of a quarantined member is not admitted again, on whichever connection")
    func quarantine() {
        var membership = Fixture.membership(of: 2)
        var actions: [CoordinatorAction] = []
        let member = membership.quarantine(1, step: 4, node: 3, into: &actions)
        #expect(member?.id == 1)
        #expect(summary(actions) == ["refuse 1: quarantined", "quarantined 1 for node 3, 1 active"])
        actions.removeAll()
        #expect(membership.quarantine(1, step: 4, node: 3, into: &actions) == nil && actions.isEmpty)
        membership.admit(7, Fixture.hello(1), isEnding: false, now: .zero, into: &actions)
        membership.admit(8, Fixture.hello(8), isEnding: false, now: .zero, into: &actions)
        #expect(summary(actions) == ["refuse 7: quarantined", "refused: quarantined", "welcome 8 as 3"])
    }

    @Test("A host on which the data set has changed three times is excluded; others, and its present members, are not")
    func dataFaults() {
        var membership = Fixture.membership(of: 4)
        var actions: [CoordinatorAction] = []
        for _ in 0..<3 {
            #expect(membership.removeWithChangedData(at: 0, into: &actions).hello.host == "h")
        }
        #expect(
            summary(actions) == [
                "data changed at 1, 3 active", "data changed at 2, 2 active",
                "data changed at 3, 1 active, host excluded",
            ])
        actions.removeAll()
        membership.admit(7, Fixture.hello(7), isEnding: false, now: .zero, into: &actions)
        let other = Hello(programVersion: "1", host: "other", processID: 8)
        membership.admit(8, other, isEnding: false, now: .zero, into: &actions)
        #expect(summary(actions) == ["refuse 7: quarantined", "refused: quarantined", "welcome 8 as 5"])
        #expect(membership.count == 1)
    }

    @Test("Faults of the data set are counted for each host, and those of 64 hosts are kept")
    func dataFaultsOfManyHosts() {
        var faults = DataFaults()
        for _ in 0..<DataFaults.limit { faults.record("first") }
        for number in 0..<63 { faults.record("\(number)") }
        #expect(faults.excludes("first") && !faults.excludes("0") && !faults.excludes("unknown"))
        faults.record("last")
        #expect(!faults.excludes("first"))
    }

    @Test("Only idle members with a data set of their own are asked about it")
    func idleWithOwnData() {
        var membership = Fixture.membership(of: 3)
        #expect(membership.idleWithOwnData.map(\.id) == [1, 2, 3])
        #expect(membership.idleWithOwnData.map(\.peer) == [1, 2, 3])
        membership[1].queue.append(Assignment(item: .node(2), sampleCount: 5), at: .zero)
        #expect(membership.idleWithOwnData.map(\.id) == [1, 3])
        #expect(Fixture.membership(of: 3, sharesMemory: true).idleWithOwnData.isEmpty)
    }

    @Test("Every member is told of the end, and every member number is given once")
    func ends() {
        var membership = Fixture.membership(of: 2)
        var actions: [CoordinatorAction] = []
        _ = membership.remove(at: 1)
        membership.admit(2, Fixture.hello(2), isEnding: false, now: .zero, into: &actions)
        #expect(summary(actions) == ["welcome 2 as 3"])
        actions.removeAll()
        membership.dismissAll(Goodbye(code: .finished, message: ""), into: &actions)
        #expect(summary(actions) == ["dismiss 1: finished", "dismiss 2: finished"])
    }
}
