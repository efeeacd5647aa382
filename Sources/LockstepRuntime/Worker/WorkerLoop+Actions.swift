import LockstepCluster
import LockstepData
import LockstepProtocol
import LockstepSharding
import LockstepTimeline
import LockstepTraining
import ZeroMQ

/// Performs the actions of the worker's machine.
extension WorkerLoop {
    /// Performs an action. Its result may be an event for the machine, which may add further actions to the list.
    func perform(_ action: WorkerAction) throws {
        switch action {
        case .sendHello:
            let hello = Hello(
                programVersion: options.programVersion, host: options.host, processID: UInt32(options.processID),
                processes: options.aggregation?.processes ?? 1)
            try link.send(Header(kind: .hello), copying: hello.encoded())
        case .prepare:
            try prepare()
        case .requestData(let offset, let count):
            try link.post(header(.dataRequest, step: offset, offset: UInt32(count)))
        case .acceptData:
            acceptData()
        case .prove:
            prove()
        case .sendReady(let ready):
            let sharing = task?.regions.map { $0.usesMailbox ? 2 : 1 } ?? 0
            try link.send(header(.ready, unit: UInt32(sharing)), copying: ready.encoded())
        case .store(let version, let part):
            task?.store(link.payload, version: version, part, into: aggregator?.parameters)
            if part.isLast { try aggregator?.publish(version: version, chunk: part.chunk) }
        case .compute(let item):
            if let aggregator { assign(item, to: aggregator) } else { try compute(item) }
        case .acknowledge(let item):
            task?.timeline?.step = item.step
            mark(.arrival, item)
            try answer(item, with: NodeResult(lossSum: 0, computeNanoseconds: 0))
        case .checkData(let number):
            if data.check?.hasChanged(now: .now) == true {
                enqueue(.dataChanged)
            } else {
                try link.post(header(.dataIntact, step: number))
            }
        case .sendGoodbye(let goodbye):
            if goodbye.code.isFailure {
                try link.send(header(.logLines), copying: LogLines(lines: options.lastLines()).encoded())
            }
            try link.send(header(.goodbye), copying: goodbye.encoded())
        case .sendPing:
            try link.send(header(.ping, offset: 1), copying: [0])
        case .notify(let notice):
            options.notify(notice)
        case .exit(let ending):
            link.close()
            if case .noCoordinator(let seconds) = ending { throw NoCoordinator(at: link.endpoint, seconds: seconds) }
            throw ending
        }
    }

    /// Reads the welcome, requests shared memory and looks for the run's data set.
    private func prepare() throws {
        do {
            let welcome = try link.payload.withUnsafeBytes { try Welcome(decoding: $0) }
            let task = try task(for: welcome)
            try share(memoryOf: welcome, task)
            machine.expectWeights(chunks: task.regions == nil ? task.chunks.chunks.count : nil)
            if let regions = task.regions { data.present = regions.dataset }
            machine.setRejoinTimeout(task.configuration.timeouts.rejoin)
            if data.present?.description != welcome.dataset { data.present = options.findDataset(welcome.dataset) }
            if data.present != nil {
                enqueue(.dataReady)
            } else {
                // What came before a connection broke need not come again.
                let incoming = try data.incoming?.continued(for: welcome.dataset) ?? IncomingDataset(welcome.dataset)
                data.incoming = incoming
                enqueue(.dataMissing(bytes: UInt64(incoming.count), received: UInt64(incoming.filled)))
            }
        } catch {
            enqueue(.unable(reason: "the coordinator's welcome cannot be used: \(error)"))
        }
    }

    /// The task for this welcome: the current task if it has the same configuration, otherwise a new one.
    private func task(for welcome: Welcome) throws -> WorkerTask {
        if let task, task.configuration == welcome.configuration { return task }
        let task = try WorkerTask(welcome, forcedKernel: options.kernel)
        if let old = self.task { retired.append(old) }
        self.task = task
        return task
    }

    /// Requests shared memory if the coordinator offers it. Without it weights and gradients are sent in messages.
    private func share(memoryOf welcome: Welcome, _ task: WorkerTask) throws {
        coordinatorEnd.cancel(&poller)
        task.share(nil)
        guard let source = welcome.regions, let membership = machine.membership, options.transport != .inline else {
            return
        }
        do {
            let claim = RegionMessage(.claim, run: membership.run, member: membership.member.rawValue)
            let regions = try WorkerRegions(
                from: source, claim, layout: task.regionLayout, dataset: welcome.dataset,
                usesMailbox: options.transport.usesMailboxes)
            task.share(regions)
            coordinatorEnd.watch(regions.socket, with: &poller)
        } catch  where options.transport == .auto {
            options.notify(.payloadInline(reason: "\(error)"))
        }
    }

    private func acceptData() {
        guard let received = data.incoming.take() else { return }
        do {
            let dataset = try received.finish()
            data.present = dataset
            options.store(dataset)
            enqueue(.dataReady)
        } catch {
            enqueue(.unable(reason: "the data set that the coordinator sent cannot be used: \(error)"))
        }
    }

    private func prove() {
        guard let task, var dataset = data.present else { return }
        if let aggregation = options.aggregation {
            return unlessStopped {
                do {
                    try makeAggregator({ try aggregation.make(task.welcome, $0) }, for: task.welcome, dataset)
                } catch {
                    enqueue(.unable(reason: "\(error)"))
                }
            }
        }
        if task.regions?.dataset === dataset {
            data.check = nil
        } else if data.check?.dataset === dataset {
            // It may have changed since the last membership: then earlier answers may be wrong.
            data.check?.expectCheck()
        } else {
            dataset = fault.copy(of: dataset) ?? dataset
            data.present = dataset
            data.check = OwnDatasetCheck(dataset, now: .now)
        }
        unlessStopped {
            do {
                enqueue(.proved(try task.prove(dataset)))
            } catch {
                enqueue(.unable(reason: "\(error)"))
            }
        }
    }
}
