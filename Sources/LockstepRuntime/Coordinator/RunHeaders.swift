import LockstepCluster
import LockstepProtocol

/// Makes the headers of a run's messages to its members.
struct RunHeaders {
    /// Drawn anew by every coordinator process.
    let run: UInt32

    func header(
        _ kind: MessageKind, _ member: MemberID, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt32 = 0,
        offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: run, member: member.rawValue, unit: unit, step: step, segment: segment, offset: offset)
    }
}
