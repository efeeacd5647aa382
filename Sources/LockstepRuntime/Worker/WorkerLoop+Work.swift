import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Computing a unit, and answering.
extension WorkerLoop {
    func compute(_ unit: WorkItem) throws {
        guard let task else { return }
        let start = Instant.now
        defer { task.timeline?.enter(.send) }
        try fault.willCompute(unit)
        switch unit.kind {
        case .node:
            task.timeline?.step = unit.step
            mark(.arrival, unit)
            let loss = try task.gradient(of: unit, slot: task.slot) { chunk, floats in
                let header = header(
                    .gradient, step: unit.step, unit: unit.number, segment: UInt32(chunk.segment),
                    offset: UInt32(chunk.offset))
                fault.willSend(floats, of: unit)
                try link.post(header, borrowing: floats)
            } finish: {
                fault.willSend($0, of: unit)
            }
            guard let loss else { return follow(.confused(reason: "step \(unit.step) has no node \(unit.number)")) }
            let elapsed = Instant.now.nanoseconds - start.nanoseconds
            try answer(unit, with: NodeResult(lossSum: loss, computeNanoseconds: elapsed))
        case .block:
            guard let score = task.score(of: unit) else {
                return follow(.confused(reason: "there is no evaluation block \(unit.number)"))
            }
            let result = BlockResult(
                lossSum: score.lossSum, computeNanoseconds: Instant.now.nanoseconds - start.nanoseconds,
                correct: UInt32(score.correct), total: UInt32(score.total),
                predictions: score.predictions.map { UInt32($0) })
            try link.send(header(.blockResult, step: unit.step, unit: unit.number), copying: result.encoded())
        }
    }

    /// Notes an end of a message about a unit: its assignment arrives, its answer leaves.
    func mark(_ kind: Timeline.Span.Kind, _ unit: WorkItem) {
        let member = machine.membership?.member.rawValue ?? 0
        task?.timeline?.mark(kind, member: member, unit: unit, isAnswer: kind == .departure)
    }

    /// Tells where the time went, and begins to note it anew.
    func reportTimeline() throws {
        let timeline = task?.timeline
        let report = TimelineReport(
            clock: Timeline.now, totals: timeline?.totals ?? [], spans: timeline?.spans ?? [])
        timeline?.reset()
        try link.send(header(.timeline), copying: report.encoded())
    }

    func answer(_ unit: WorkItem, with result: NodeResult) throws {
        task?.timeline?.enter(.send)
        mark(.departure, unit)
        let header = header(.nodeResult, step: unit.step, unit: unit.number)
        try withUnsafeTemporaryAllocation(byteCount: NodeResult.size, alignment: 8) { bytes in
            result.encode(into: bytes)
            try link.flush(endingWith: (header, UnsafeRawBufferPointer(bytes)))
        }
    }

    func header(
        _ kind: MessageKind, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt32 = 0, offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: machine.membership?.run ?? 0, member: machine.membership?.member.rawValue ?? 0,
            unit: unit, step: step, segment: segment, offset: offset)
    }
}
