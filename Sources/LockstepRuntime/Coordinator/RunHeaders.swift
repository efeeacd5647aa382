import LockstepCluster
import LockstepProtocol

/// Makes the headers of a run's messages to its members.
struct RunHeaders {
    /// The run's number, a random one for every coordinator process.
    let run: UInt32

    func header(
        _ kind: MessageKind, _ member: MemberID, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt16 = 0,
        offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: run, member: member.rawValue, unit: unit, step: step, segment: segment, offset: offset)
    }
}
