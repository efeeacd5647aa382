import LockstepProtocol
import LockstepSharding
import LockstepTimeline

@testable import LockstepCluster

/// Small clusters for the tests of the coordinator's parts: peer and process n are both numbered n.
enum ClusterFixture {
    static let ready = Ready(kernel: "k", fingerprint: [])
    static let otherReady = Ready(
        kernel: "other", fingerprint: [BlockDigest(rows: 1, digest: Array(repeating: 7, count: BlockDigest.digestSize))]
    )

    static func configuration(
        minimumWorkers: Int = 1, maximumWorkers: Int = 4, chunks: Int = 2, allowsMixedKernels: Bool = false,
        tunesWorkerCount: Bool = false
    ) -> CoordinatorMachine.Configuration {
        CoordinatorMachine.Configuration(
            minimumWorkers: minimumWorkers, maximumWorkers: maximumWorkers, chunks: chunks, dataBytes: 1_000,
            programVersion: "1", expected: ready, allowsMixedKernels: allowsMixedKernels, deadlines: Deadlines(),
            tunesWorkerCount: tunesWorkerCount)
    }

    static func hello(_ process: UInt32, version: String = "1", processes: Int = 1) -> Hello {
        Hello(programVersion: version, host: "h", processID: process, processes: processes)
    }

    static func info(_ member: UInt32, process: UInt32? = nil) -> MemberInfo {
        MemberInfo(id: MemberID(rawValue: member), host: "h", processID: process ?? member)
    }

    /// Active members 1, 2, ... of processes 1, 2, ...
    static func membership(of count: UInt32, sharesMemory: Bool = false) -> Membership {
        membership(ofCapacities: Array(repeating: 1, count: Int(count)), sharesMemory: sharesMemory)
    }

    /// Active members 1, 2, ... that stand for so many processes each.
    static func membership(ofCapacities capacities: [Int], sharesMemory: Bool = false) -> Membership {
        var membership = Membership(configuration: configuration(maximumWorkers: capacities.reduce(0, +)))
        var actions: [CoordinatorAction] = []
        for (index, capacity) in capacities.enumerated() {
            let number = UInt32(index)
            let (peer, member) = (PeerID(rawValue: number + 1), MemberID(rawValue: number + 1))
            membership.admit(peer, hello(number + 1, processes: capacity), isEnding: false, now: .zero, into: &actions)
            _ = membership.prove(peer, member, ready, sharesMemory: sharesMemory, into: &actions)
        }
        return membership
    }
}

extension Instant {
    static let zero = Instant(nanoseconds: 0)

    static func milliseconds(_ count: Double) -> Instant {
        Instant(nanoseconds: UInt64(count * 1e6))
    }
}

extension PeerID: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt32) { self.init(rawValue: value) }
}

extension MemberID: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: UInt32) { self.init(rawValue: value) }
}

extension WorkItem {
    static func node(_ number: UInt32, step: UInt64 = 0) -> WorkItem {
        WorkItem(kind: .node, step: step, number: number)
    }

    static func block(_ number: UInt32, version: UInt64 = 0) -> WorkItem {
        WorkItem(kind: .block, step: version, number: number)
    }
}
