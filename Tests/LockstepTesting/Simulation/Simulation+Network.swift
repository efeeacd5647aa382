import LockstepCluster
import LockstepSharding

/// Connections: messages arrive late and in order, or not at all.
extension Simulation {
    func connect(_ index: Int) {
        guard processes[index].isAlive, processes[index].connection == nil else { return }
        if processes[index].stoppedUntil > time {
            return queue.add(.connects(process: index), at: processes[index].stoppedUntil)
        }
        // A coordinator that has ended accepts no connection.
        guard stage != .ended else { return queue.add(.connects(process: index), at: time + 1_000_000_000) }
        connections.append(SimulatedConnection(process: index))
        processes[index].connection = connections.count - 1
        processes[index].connectionChanges.append(.connected)
        let unsent = processes[index].unsent
        processes[index].unsent = []
        for message in unsent { send(message, from: index) }
        wakeWorker(index, at: time + delay())
    }

    func delay() -> UInt64 {
        10_000 + random.number(below: plan.maximumDelay)
    }

    func send(_ message: Upward, from index: Int) {
        processes[index].remember(message)
        guard let connection = processes[index].connection else {
            processes[index].unsent.append(message)
            return
        }
        let arrival = max(connections[connection].lastUp, connections[connection].blockedUp, time + delay())
        connections[connection].lastUp = arrival
        queue.add(.arrivesUp(connection: connection, message), at: arrival)
    }

    func send(_ message: Downward, to peer: PeerID) {
        let connection = Int(peer.rawValue)
        guard connections[connection].isOpen else { return }
        let arrival = max(connections[connection].lastDown, connections[connection].blockedDown, time + delay())
        connections[connection].lastDown = arrival
        queue.add(.arrivesDown(connection: connection, message), at: arrival)
    }

    func arrive(_ message: Upward, from connection: Int) {
        guard connections[connection].isOpen || connections[connection].deliversRest else { return }
        inbox.append(.message(connection: connection, message))
        wakeCoordinator(at: time)
    }

    func arrive(_ message: Downward, over connection: Int) {
        let index = connections[connection].process
        guard connections[connection].isOpen || connections[connection].deliversRest, processes[index].isAlive else {
            return
        }
        // Weights sent by reference are read as late as possible.
        var value: UInt64 = 0
        if case .parameters(_, let version, let part) = message { value = weights[Int(version & 1)][part.chunk] }
        processes[index].inbox.append((message, value))
        wakeWorker(index, at: time)
    }

    /// Breaks a connection. Each side detects it after its own delay.
    func breakConnection(_ connection: Int, coordinatorAfter: UInt64, workerAfter: UInt64) {
        guard connections[connection].isOpen else { return }
        connections[connection].isOpen = false
        connections[connection].deliversRest = random.chance(1, in: 2)
        queue.add(.coordinatorLosesPeer(connection: connection), at: time + coordinatorAfter)
        queue.add(.workerLosesConnection(connection: connection), at: time + workerAfter)
    }

    func loseConnection(_ connection: Int) {
        let index = connections[connection].process
        guard processes[index].isAlive, processes[index].connection == connection else { return }
        processes[index].connection = nil
        processes[index].connectionChanges.append(.disconnected)
        wakeWorker(index, at: time)
        queue.add(.connects(process: index), at: time + 50_000_000 + random.number(below: 500_000_000))
    }
}
