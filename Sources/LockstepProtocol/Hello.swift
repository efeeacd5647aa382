/// A worker asks to join the run and identifies itself.
package struct Hello: MessageBody {
    /// The most worker processes that one member can stand for: as many as a mini-batch has shards.
    package static let maximumProcesses = 1_024

    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return 2 * text.lowerBound + 6...2 * text.upperBound + 6
    }()

    /// The worker's version of lockstep. A run's weights depend on it, so it must equal the coordinator's.
    package var programVersion: String
    /// The worker's host name, for people; the program never resolves it.
    package var host: String
    package var processID: UInt32
    /// How many worker processes compute for this member: 1, or those of an aggregator. It gets a share of the mini-batch
    /// for each.
    package var processes: Int

    /// - Parameters:
    ///   - programVersion: The worker's version of lockstep.
    ///   - host: The worker's host name.
    ///   - processID: The worker's process ID.
    ///   - processes: 1 to ``maximumProcesses``.
    package init(programVersion: String, host: String, processID: UInt32, processes: Int = 1) {
        precondition((1...Self.maximumProcesses).contains(processes), "\(processes) processes")
        self.programVersion = programVersion
        self.host = host
        self.processID = processID
        self.processes = processes
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append(programVersion)
        writer.append(host)
        writer.append(processID)
        writer.append(UInt16(processes))
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        programVersion = try reader.text()
        host = try reader.text()
        processID = try reader.integer(UInt32.self)
        processes = Int(try reader.integer(UInt16.self))
        guard (1...Self.maximumProcesses).contains(processes) else { throw .inconsistent(.hello) }
        try reader.finish()
    }
}
