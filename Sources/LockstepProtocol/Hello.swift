/// A worker asks to join the run and identifies itself.
package struct Hello: MessageBody {
    package static let encodedSizes: ClosedRange<Int> = {
        let text = MessageText.encodedSizes
        return 2 * text.lowerBound + 4...2 * text.upperBound + 4
    }()

    /// The worker's version of lockstep. A run's weights depend on it, so it must equal the coordinator's.
    package var programVersion: String
    /// The worker's host name, for people; the program never resolves it.
    package var host: String
    package var processID: UInt32

    package init(programVersion: String, host: String, processID: UInt32) {
        self.programVersion = programVersion
        self.host = host
        self.processID = processID
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append(programVersion)
        writer.append(host)
        writer.append(processID)
        return writer.bytes
    }

    package init(decoding frame: UnsafeRawBufferPointer) throws(ProtocolError) {
        var reader = ByteReader(frame)
        programVersion = try reader.text()
        host = try reader.text()
        processID = try reader.integer(UInt32.self)
        try reader.finish()
    }
}
