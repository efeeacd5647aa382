import LockstepCluster
import LockstepProtocol
import LockstepSharding
import LockstepSystem
import LockstepTimeline
import LockstepTraining

/// Computes assigned items and sends the answers.
extension WorkerLoop {
    func compute(_ item: WorkItem) throws {
        guard let task else { return }
        let start = Instant.now
        defer { task.timeline?.enter(.send) }
        try fault.willCompute(item)
        let now = fault.passesTime(before: item) ? start.advanced(bySeconds: 3_600) : start
        if data.check?.hasChanged(before: item, now: now) == true { return enqueue(.dataChanged) }
        switch item.kind {
        case .node:
            task.timeline?.step = item.step
            mark(.arrival, item)
            let loss = try task.gradient(of: item, slot: task.slot) { chunk, floats in
                let header = header(
                    .gradient, step: item.step, unit: item.number, segment: UInt16(chunk.segment),
                    offset: UInt32(chunk.offset))
                fault.willSend(floats, of: item)
                try FloatPayload.forEachFrame(
                    header, floats, elementSize: task.communicationElementSize, limit: link.frameLimit
                ) { try link.post($0, borrowing: $1, isPart: $1.count < floats.count) }
            } finish: {
                fault.willSend($0, of: item)
            }
            guard let loss else {
                return enqueue(.protocolBroken(reason: "step \(item.step) has no node \(item.number)"))
            }
            let elapsed = Instant.now.nanoseconds - start.nanoseconds
            try answer(
                item, with: NodeResult(lossSum: fault.willSend(loss: loss, of: item), computeNanoseconds: elapsed))
        case .block:
            guard let score = try task.score(of: item) else {
                return enqueue(.protocolBroken(reason: "there is no evaluation block \(item.number)"))
            }
            let result = BlockResult(
                score, lossSum: fault.willSend(loss: score.lossSum, of: item), start: start)
            try link.send(header(.blockResult, step: item.step, unit: item.number), copying: result.encoded())
        }
    }

    /// Records in the timeline that an item's assignment has arrived or that its answer leaves.
    func mark(_ kind: Timeline.Span.Kind, _ item: WorkItem) {
        let member = machine.membership?.member.rawValue ?? 0
        task?.timeline?.mark(kind, member: member, step: item.step, item: item.number, isAnswer: kind == .departure)
    }

    /// Sends the timeline to the coordinator and clears it.
    func reportTimeline() throws {
        let timeline = task?.timeline
        let report = TimelineReport(
            clock: Instant.now.nanoseconds, totals: timeline?.totals ?? [], spans: timeline?.spans ?? [])
        timeline?.reset()
        try link.send(header(.timeline), copying: report.encoded())
    }

    /// Sends a node's result together with everything that waits in the outbox.
    func answer(_ item: WorkItem, with result: NodeResult) throws {
        task?.timeline?.enter(.send)
        mark(.departure, item)
        let header = header(.nodeResult, step: item.step, unit: item.number)
        fault.willAnswer(item, in: task?.regions?.mailPage)
        if let regions = task?.regions, regions.put(header, result) {
            return fault.didAnswer(item) { _ = regions.put(header, result) }
        }
        try withUnsafeTemporaryAllocation(byteCount: NodeResult.size, alignment: 8) { bytes in
            result.encode(into: bytes)
            try link.flush(endingWith: (header, UnsafeRawBufferPointer(bytes)))
        }
    }

    func header(
        _ kind: MessageKind, step: UInt64 = 0, unit: UInt32 = 0, segment: UInt16 = 0, offset: UInt32 = 0
    ) -> Header {
        Header(
            kind: kind, run: machine.membership?.run ?? 0, member: machine.membership?.member.rawValue ?? 0,
            unit: unit, step: step, segment: segment, offset: offset)
    }
}
