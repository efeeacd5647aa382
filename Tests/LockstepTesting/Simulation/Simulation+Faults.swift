import LockstepCluster

/// Faults.
extension Simulation {
    func inject(_ fault: SimulationPlan.Fault) {
        guard stage != .ended else { return }
        switch fault {
        case .join:
            start(place: nil)
        case .pause:
            let lengths: [UInt64] = [5_000_000, 500_000_000, 4_000_000_000, 90_000_000_000]
            coordinatorBusyUntil = time + lengths[random.number(0...lengths.count - 1)]
            wakeCoordinator(at: coordinatorBusyUntil)
        default:
            let living = processes.indices.filter { processes[$0].isAlive }
            guard !living.isEmpty else { return }
            inject(into: living[random.number(0...living.count - 1)], fault)
        }
        faults[fault, default: 0] += 1
    }

    private func inject(into index: Int, _ fault: SimulationPlan.Fault) {
        let connection = processes[index].connection
        switch fault {
        case .crash:
            // The coordinator detects the end of a process at once, but the end of a host only by the heartbeat.
            end(index, .died, noticedAfter: random.chance(3, in: 4) ? 1_000_000 : Self.heartbeatTimeout)
        case .stop:
            let length = 1_000_000 + random.number(below: random.chance(1, in: 2) ? 100_000_000 : 9_000_000_000)
            processes[index].stoppedUntil = time + length
            wakeWorker(index, at: time + length)
            if length > Self.heartbeatTimeout, let connection {
                breakConnection(connection, coordinatorAfter: Self.heartbeatTimeout, workerAfter: length)
            }
        case .hang:
            processes[index].hangs = true
        case .slow:
            processes[index].slowness = UInt64(random.number(2...40))
        case .drop:
            if let connection {
                breakConnection(
                    connection, coordinatorAfter: random.number(below: Self.heartbeatTimeout),
                    workerAfter: random.number(below: Self.heartbeatTimeout))
            }
        case .partition:
            if let connection { separate(connection) }
        case .duplicate:
            duplicate(at: index)
        case .replay:
            replay(at: index)
        case .goodbye:
            processes[index].isAskedToStop = true
            wakeWorker(index, at: time)
        case .join, .pause:
            break
        }
    }

    /// Lets no message arrive for a while. After the heartbeat's timeout both sides end the connection.
    private func separate(_ connection: Int) {
        let length = random.number(below: 6_000_000_000)
        let (up, down) = [(true, true), (true, false), (false, true)][random.number(0...2)]
        if up { connections[connection].blockedUp = time + length }
        if down { connections[connection].blockedDown = time + length }
        if length > Self.heartbeatTimeout {
            breakConnection(
                connection, coordinatorAfter: Self.heartbeatTimeout + random.number(below: 1_000_000_000),
                workerAfter: Self.heartbeatTimeout + random.number(below: 1_000_000_000))
        }
    }

    /// Delivers the last message again, or a result that was never computed.
    private func duplicate(at index: Int) {
        if random.chance(1, in: 2), let (message, value) = processes[index].inbox.last {
            processes[index].inbox.append((message, value))
        } else if let input = inbox.last, case .message = input {
            inbox.append(input)
        } else if let connection = processes[index].connection, let member = processes[index].machine.membership {
            let item = WorkItem(kind: .node, step: version, number: 1)
            inbox.append(.message(connection: connection, .result(member, item, Answer(digest: digest))))
        }
        wakeWorker(index, at: time)
        wakeCoordinator(at: time)
    }

    /// Delivers a few messages of the process's earlier membership again.
    private func replay(at index: Int) {
        guard let connection = processes[index].connection else { return }
        for message in processes[index].earlier { inbox.append(.message(connection: connection, message)) }
        wakeCoordinator(at: time)
    }
}
